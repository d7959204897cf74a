"""Whatever bytes come as a request, the answer is a canonical status code that blames whoever sent them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liftline.v1 import job_service_pb2 as api
from liftline_gateway.api.validation import page_token
from tests.integration.gateway.gateways import Client, Deployment, deployment

METHODS = {method.name: method for method in api.DESCRIPTOR.services_by_name["JobService"].methods}
TOLD = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Target:
    """A gateway in a thread of its own, and names of what is there."""

    address: str
    token: str
    names: list[str]

    def send(self, method: str, payload: bytes, *, token: str | None = None) -> grpc.StatusCode:
        """The code of the answer, or of the first one of a stream."""
        path = f"/liftline.v1.JobService/{method}"
        metadata = (("authorization", f"Bearer {self.token if token is None else token}"),)
        with grpc.insecure_channel(self.address) as channel:
            try:
                if METHODS[method].server_streaming:
                    answers = channel.unary_stream(path, None, None)(payload, metadata=metadata, timeout=20)
                    next(answers)
                    answers.cancel()
                else:
                    channel.unary_unary(path, None, None)(payload, metadata=metadata, timeout=20)
            except grpc.RpcError as error:
                return error.code()  # type: ignore[no-any-return]
        return grpc.StatusCode.OK


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder, ready, ended = tmp_path_factory.mktemp("fuzz"), threading.Event(), threading.Event()
    made: list[Target] = []

    async def serve() -> None:
        async with deployment(folder, coordinating=False, webhook_hosts=("127.0.0.1",)) as running:
            made.append(await _target(running))
            ready.set()
            await asyncio.get_running_loop().run_in_executor(None, ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    yield made[0]
    ended.set()
    thread.join()


async def _target(running: Deployment) -> Target:
    client: Client = await running.client()
    jobs = [(await client.job(request_id=f"r{number}")).name for number in range(3)]
    uploads = [await client.upload() for _ in range(20)]
    others = [
        "r1",
        "r7",
        "jobs/none",
        "uploads/none",
        "tenants/bert/jobs/a",
        "jobs/",
        "http://127.0.0.1:1/",
        "clip.mp4",
        "",
    ]
    return Target(f"127.0.0.1:{running.gateways[0].server.port}", client.token, [*jobs, *uploads, *others])


def messages(kind: Descriptor, names: list[str], *, nearly_right: bool) -> st.SearchStrategy[Message]:
    """Any message of a kind, or one that has a chance to be taken: with small numbers and names of what is there."""
    fields = {field.name: _values(field, names, nearly_right=nearly_right) for field in kind.fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda chosen: _filled(kind, chosen))


def _filled(kind: Descriptor, chosen: dict[str, Any]) -> Message:
    message = GetMessageClass(kind)()
    for name, value in chosen.items():
        if isinstance(value, Message):
            getattr(message, name).CopyFrom(value)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


def _values(field: FieldDescriptor, names: list[str], *, nearly_right: bool) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        message = messages(field.message_type, names, nearly_right=nearly_right)
        return st.lists(message, max_size=3) if field.is_repeated else message
    one = _nearly_right(field, names) if nearly_right else _any(field, names)
    return st.lists(one, max_size=5, unique=nearly_right) if field.is_repeated else one


def _any(field: FieldDescriptor, names: list[str]) -> st.SearchStrategy[Any]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
    kinds: dict[int, st.SearchStrategy[Any]] = {
        FieldDescriptor.TYPE_STRING: st.sampled_from(names) | text,
        FieldDescriptor.TYPE_INT32: st.integers(-(1 << 31), (1 << 31) - 1),
        FieldDescriptor.TYPE_INT64: st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(1, 1000),
        FieldDescriptor.TYPE_ENUM: st.integers(-(1 << 31), (1 << 31) - 1) | st.integers(0, 5),
        FieldDescriptor.TYPE_DOUBLE: st.floats(),
        FieldDescriptor.TYPE_BOOL: st.booleans(),
    }
    return kinds[field.type]


def _nearly_right(field: FieldDescriptor, names: list[str]) -> st.SearchStrategy[Any]:
    strings = {
        "file_name": st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), max_size=50),
        "request_id": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        "detector": st.sampled_from(["", "blazepose", "detectron2"]),
        "webhook_uri": st.sampled_from(["", "http://127.0.0.1:1/", "https://127.0.0.1/a?b"]),
        "page_token": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).map(page_token),
        "upload": st.sampled_from([name for name in names if name.startswith("uploads/")]),
    }
    doubles = {"person_height_m": st.floats(1, 2), "height_m": st.floats(1, 2), "fov_deg": st.floats(10, 150),
               "focal_px": st.floats(1, 1e6)}  # fmt: skip
    kinds: dict[int, st.SearchStrategy[Any]] = {
        FieldDescriptor.TYPE_STRING: strings.get(field.name, st.sampled_from(names)),
        FieldDescriptor.TYPE_INT32: st.integers(0, 2000),
        FieldDescriptor.TYPE_INT64: st.integers(1, 1000),
        FieldDescriptor.TYPE_ENUM: st.integers(1, 2),
        FieldDescriptor.TYPE_DOUBLE: doubles.get(field.name, st.floats(min_value=1, max_value=1e300)),
        FieldDescriptor.TYPE_BOOL: st.booleans(),
    }
    return kinds[field.type]


@pytest.mark.parametrize("nearly_right", [False, True], ids=["any", "nearly-right"])
@pytest.mark.parametrize("method", METHODS)
@FUZZ
@given(data=st.data())
def test_any_message(method: str, nearly_right: bool, target: Target, data: st.DataObject) -> None:
    message = data.draw(messages(METHODS[method].input_type, target.names, nearly_right=nearly_right))
    assert target.send(method, message.SerializeToString()) in TOLD


@pytest.mark.parametrize("method", METHODS)
@FUZZ
@given(payload=st.binary(max_size=200))
def test_any_bytes(method: str, target: Target, payload: bytes) -> None:
    assert target.send(method, payload) in TOLD


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_too_many(method: str, target: Target) -> None:
    assert target.send(method, b"\x7a" + b"\xff" * (2 << 20)) is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("method", METHODS)
def test_messages_within_messages_without_end(method: str, target: Target) -> None:
    payload = b""
    for _ in range(2000):
        payload = b"\x12" + _length(len(payload)) + payload
    assert target.send(method, payload) in TOLD


@settings(FUZZ, max_examples=100)
@given(token=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_any_token(target: Target, token: str) -> None:
    assert target.send("ListJobs", b"", token=token) is grpc.StatusCode.UNAUTHENTICATED


def _length(number: int) -> bytes:
    """A varint."""
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
