"""What standard clients see of a server: health, reflection, status, counts."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import grpc
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.service.grpc.worker_service import NAME
from liftline.v1.worker_service_pb2 import GetStatusRequest, WatchStatusRequest, WorkerStatus
from liftline.v1.worker_service_pb2_grpc import WorkerServiceStub
from tests.integration.serving.servers import Serving, refusal, serving, with_server

Result = TypeVar("Result")
TASK = TaskKey(JobKey("acme", "0193"), Stage.DETECT, 3)
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


async def in_thread(served: Serving, use: Callable[[grpc.Channel], Result]) -> Result:
    """What a blocking client does, as tools are."""

    def run() -> Result:
        with grpc.insecure_channel(served.address) as channel:
            return use(channel)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, run)


async def test_reflection_lists_exactly_what_is_served() -> None:
    def listed(channel: grpc.Channel) -> set[str]:
        return set(ProtoReflectionDescriptorDatabase(channel).get_services())

    assert await with_server(lambda served: in_thread(served, listed)) == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "liftline.v1.WorkerService",
    }


async def test_a_client_without_our_code_can_call_what_reflection_describes() -> None:
    def call(channel: grpc.Channel) -> object:
        service = DescriptorPool(ProtoReflectionDescriptorDatabase(channel)).FindServiceByName(NAME)
        method = service.methods_by_name["GetStatus"]
        request = message_factory.GetMessageClass(method.input_type)()
        answer: type[Message] = message_factory.GetMessageClass(method.output_type)
        status = channel.unary_unary(
            f"/{NAME}/{method.name}", lambda one: one.SerializeToString(), answer.FromString
        )(request)  # fmt: skip
        return json_format.MessageToDict(status)

    async def use(served: Serving) -> object:
        served.board.began(TASK)
        return await in_thread(served, call)

    status = await with_server(use)
    assert isinstance(status, dict)
    assert status["stages"] == ["STAGE_PLAN", "STAGE_DETECT"]
    assert [(task["tenant"], task["segment"]) for task in status["tasks"]] == [("acme", 3)]


async def test_reflection_of_what_isnt_there_is_not_found() -> None:
    def find(channel: grpc.Channel) -> None:
        DescriptorPool(ProtoReflectionDescriptorDatabase(channel)).FindServiceByName("liftline.v1.JobServices")

    with pytest.raises(KeyError):
        await with_server(lambda served: in_thread(served, find))


@pytest.mark.parametrize("service", ["", "liftline.v1.WorkerService"])
async def test_health_is_not_serving_then_serving_then_not_serving_for_good(service: str) -> None:
    async def use(served: Serving) -> list[HealthCheckResponse.ServingStatus]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            health = HealthStub(channel)
            watch = health.Watch(HealthCheckRequest(service=service))
            seen = [(await watch.read()).status]
            for change in (served.server.healthy, served.server.leaving):
                await change()
                seen.append((await watch.read()).status)
                assert (await health.Check(HealthCheckRequest(service=service))).status == seen[-1]
            await served.server.healthy()
            assert (await health.Check(HealthCheckRequest(service=service))).status == seen[-1]
            return seen

    assert await with_server(use) == [NOT_SERVING, SERVING, NOT_SERVING]


async def test_a_watcher_of_health_hears_of_the_end_before_it() -> None:
    async def run() -> list[HealthCheckResponse.ServingStatus]:
        async with asyncio.timeout(30), serving() as served:
            await served.server.healthy()
            channel = grpc.aio.insecure_channel(served.address)
            watch = HealthStub(channel).Watch(HealthCheckRequest())
            seen = [(await watch.read()).status]
        async with channel:
            with suppress(grpc.aio.AioRpcError):
                while True:
                    seen.append((await watch.read()).status)
        return seen

    assert await run() == [SERVING, NOT_SERVING]


async def test_health_of_an_unknown_service_is_not_found() -> None:
    async def use(served: Serving) -> grpc.StatusCode:
        async with grpc.aio.insecure_channel(served.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await HealthStub(channel).Check(HealthCheckRequest(service="other"))
            return caught.value.code()

    assert await with_server(use) is grpc.StatusCode.NOT_FOUND


async def test_watching_a_worker_gives_it_now_and_at_every_change() -> None:
    async def use(served: Serving) -> list[WorkerStatus]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            request = WatchStatusRequest(interval=Duration(nanos=100_000_000))
            watch = WorkerServiceStub(channel).WatchStatus(request)
            seen = [await watch.read()]
            served.board.draining()
            seen.append(await watch.read())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(watch.read(), 0.5)
            return seen

    first, second = await with_server(use)
    assert (first.state, second.state) == (WorkerStatus.STATE_WARMING_UP, WorkerStatus.STATE_DRAINING)


@pytest.mark.parametrize(
    "interval", [Duration(), Duration(nanos=99_000_000), Duration(seconds=-1), Duration(seconds=3601)]
)
async def test_an_interval_out_of_bounds_is_refused(interval: Duration) -> None:
    async def use(served: Serving) -> tuple[grpc.StatusCode, str]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            return await refusal(WorkerServiceStub(channel).WatchStatus(WatchStatusRequest(interval=interval)).read())

    assert await with_server(use) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


@pytest.mark.parametrize("method", ["GetStatus", "WatchStatus"])
async def test_bytes_that_are_no_request_are_an_invalid_argument(method: str) -> None:
    async def use(served: Serving) -> tuple[grpc.StatusCode, str]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            return await refusal(channel.unary_unary(f"/{NAME}/{method}")(b"\xff\xff"))

    assert await with_server(use) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST")


async def test_a_method_that_isnt_there_is_unimplemented_and_one_too_large_is_refused() -> None:
    async def code(channel: grpc.aio.Channel, method: str, data: bytes) -> grpc.StatusCode:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(method)(data)
        return caught.value.code()

    async def use(served: Serving) -> list[grpc.StatusCode]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            return [
                await code(channel, f"/{NAME}/GetStatuses", b""),
                await code(channel, f"/{NAME}/GetStatus", b"\0" * ((1 << 20) + 1)),
            ]

    assert await with_server(use) == [grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.RESOURCE_EXHAUSTED]


async def test_requests_are_counted_by_method_and_code() -> None:
    async def use(served: Serving) -> list[float | None]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            worker = WorkerServiceStub(channel)
            await worker.GetStatus(GetStatusRequest())
            await worker.GetStatus(GetStatusRequest())
            await refusal(worker.WatchStatus(WatchStatusRequest(interval=Duration())).read())
        counted = [("GetStatus", "OK"), ("WatchStatus", "INVALID_ARGUMENT")]
        return [
            served.registry.get_sample_value(
                "liftline_grpc_requests_total", {"method": f"/{NAME}/{method}", "code": code}
            )
            for method, code in counted
        ]

    assert await with_server(use) == [2, 1]
