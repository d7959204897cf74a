"""What each key of the store opens, by a real SeaweedFS with the policies of `liftline.adapters.access`."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import urllib3

from liftline.adapters.access.roles import STAGES, Role
from liftline.adapters.s3.store import S3Store
from liftline.adapters.s3.upload_probe import probe_uploads
from liftline.errors import UnavailableError, UsageError
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.upload_form import form_body
from liftline_cli.up.s3_server import S3Server
from tests.servers import running_s3, s3_settings

BUCKET = "liftline"
JOB = JobKey("acme", "j1")
WORKERS = tuple(STAGES)
Name = TypeVar("Name", bound=Hashable)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        with pytest.raises(UsageError, match="AccessDenied"):
            store(server, Role.GATEWAY).ensure_bucket()
        store(server, Role.SETUP).ensure_bucket()
        yield server


def store(server: S3Server, role: Role) -> S3Store:
    return S3Store(s3_settings(server, bucket=BUCKET, role=role), retry_s=1)


VIDEO, UPLOAD, OUTPUT = f"{JOB.prefix}input/v.mp4", "tenants/acme/uploads/u1/v.mp4", f"{JOB.tree}manifest.json"
MADE = {stage: TaskKey(JOB, stage, 7 if stage in (Stage.DETECT, Stage.RENDER) else 0).artifact("ab") for stage in Stage}
PROBE, OTHER = "probes/p/x", "other/x"
KEYS: Mapping[str, str] = {
    "video": VIDEO,
    "upload": UPLOAD,
    "output": OUTPUT,
    "probe": PROBE,
    "other": OTHER,
    **{str(stage): key for stage, key in MADE.items()},
}
_WORK = {str(stage) for stage in Stage}
READS: Mapping[Role, set[str]] = {
    Role.SETUP: {"probe"}, Role.GATEWAY: {"video", "upload", "output", "probe", *_WORK},
    Role.DETECTOR: {"video", "plan", "detect"}, Role.LIFTER: {"plan", "detect", "track", "lift"},
    Role.RENDERER: {"video", "plan", "lift", "render", "mux"},
}  # fmt: skip
WRITES: Mapping[Role, set[str]] = {
    Role.SETUP: {"probe"}, Role.GATEWAY: {"video", "upload", "output", "probe"},
    Role.DETECTOR: {"plan", "detect"}, Role.LIFTER: {"track", "lift"}, Role.RENDERER: {"render", "mux"},
}  # fmt: skip
REMOVES = {**WRITES, Role.GATEWAY: READS[Role.GATEWAY]}
PREFIXES = {prefix: prefix for prefix in ("", "tenants/", "probes/", "other/")}
LISTS: Mapping[Role, set[str]] = {Role.SETUP: set(PREFIXES), Role.GATEWAY: {"tenants/", "probes/"}}
BIG = 9 << 20
"""Bytes that are sent in parts."""


Key = TypeVar("Key", str, tuple[str, str])


def allowed(keys: Mapping[Name, Key], do: Callable[[Key], object]) -> set[Name]:
    """Names of the keys with which it works; with the others the store refuses it."""
    done = set()
    for name, key in keys.items():
        try:
            do(key)
            done.add(name)
        except UnavailableError as error:
            if not re.search("Access ?Denied", str(error)):
                raise
    return done


@pytest.mark.parametrize("role", READS)
def test_a_key_of_the_store_opens_what_its_service_needs_alone(s3: S3Server, role: Role, tmp_path: Path) -> None:
    own, operator = store(s3, role), store(s3, Role.OPERATOR)
    (tmp_path / "big").write_bytes(bytes(BIG))
    for key in KEYS.values():
        operator.put_bytes(key, b"there")
    assert allowed(KEYS, lambda key: own.get_bytes(key, at_most=9)) == READS[role]
    assert allowed(KEYS, own.size) == READS[role]
    assert allowed(KEYS, lambda key: own.put_bytes(key, b"there")) == WRITES[role]
    assert allowed(KEYS, lambda key: own.put_file(key, tmp_path / "big")) == WRITES[role]
    assert allowed(PREFIXES, lambda prefix: list(own.keys(prefix))) == LISTS.get(role, set())
    assert allowed(KEYS, own.remove) == REMOVES[role]
    assert {name for name, key in KEYS.items() if operator.size(key) is None} == REMOVES[role]


@pytest.mark.parametrize("role", READS)
def test_many_objects_at_once_are_removed_by_who_may_remove_each(s3: S3Server, role: Role) -> None:
    own, operator = store(s3, role), store(s3, Role.OPERATOR)
    for key in KEYS.values():
        operator.put_bytes(key, b"there")
    try:
        own._remove(list(KEYS.values()))
    except UnavailableError as error:
        assert "Access Denied" in str(error)  # noqa: PT017 - the gateway may, but for one
    assert {name for name, key in KEYS.items() if operator.size(key) is None} == REMOVES[role]


@pytest.mark.parametrize("role", WRITES)
def test_forms_and_addresses_open_no_more_than_the_key_that_signed_them(s3: S3Server, role: Role) -> None:
    own, operator = store(s3, role), store(s3, Role.OPERATOR)
    with urllib3.PoolManager() as http:
        posted = {name for name, key in KEYS.items() if _post(http, own, key) == 204}
        for key in KEYS.values():
            operator.put_bytes(key, b"there")
        read = {name for name, key in KEYS.items() if _get(http, own, key) == 200}
    assert posted == (WRITES[role] if role not in WORKERS else set())
    assert read == READS[role]


def _post(http: urllib3.PoolManager, signing: S3Store, key: str) -> int:
    form = signing.upload_form(key, size_bytes=3, expires=timedelta(minutes=5))
    around = form_body(form.fields)
    body, headers = around.before + b"abc" + around.after, {"Content-Type": around.content_type}
    return http.request("POST", form.address, body=body, headers=headers).status


def _get(http: urllib3.PoolManager, signing: S3Store, key: str) -> int:
    return http.request("GET", signing.download_address(key, expires=timedelta(minutes=5), file_name="f")).status


@pytest.mark.parametrize("role", READS)
def test_copies_need_both_ends(s3: S3Server, role: Role) -> None:
    own, operator = store(s3, role), store(s3, Role.OPERATOR)
    for key in KEYS.values():
        operator.put_bytes(key, b"there")
    ways = {(source, target): (KEYS[source], KEYS[target]) for source, target in itertools.permutations(KEYS, 2)}
    wanted = {(source, target) for source, target in ways if source in READS[role] and target in WRITES[role]}
    assert allowed(ways, lambda way: own.copy(*way)) == wanted


@pytest.mark.parametrize("role", READS)
def test_nobody_but_the_setup_touches_buckets(s3: S3Server, role: Role) -> None:
    settings = s3_settings(s3, bucket=BUCKET, role=role)
    client = S3Store(settings)._client
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [public]})
    for touch in (
        lambda: client.make_bucket(f"others-{next(_NUMBERS)}"),
        lambda: client.remove_bucket(BUCKET),
        lambda: client.set_bucket_policy(BUCKET, policy),
    ):
        with pytest.raises(Exception, match="AccessDenied"):
            touch()
    if role in (Role.SETUP, Role.GATEWAY):
        probe_uploads(settings)
    else:
        with pytest.raises(UnavailableError, match="AccessDenied"):
            probe_uploads(settings, retry_s=1)
