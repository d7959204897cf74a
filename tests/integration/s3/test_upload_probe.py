"""Stores that do more with an upload form than it says are recognised before anybody has one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import timedelta

import pytest
from pydantic import SecretStr

from liftline.adapters.s3 import S3Store
from liftline.adapters.s3.upload_probe import PREFIX, probe_uploads
from liftline.errors import UnavailableError, UsageError
from liftline.jobs.naming import first_id
from liftline.settings.services import S3Settings
from liftline_cli.up.s3_server import S3Server
from tests.integration.s3.naive_store import BUCKET, Manners, NaiveStore, naive_store
from tests.servers import s3_settings

OTHER_BYTES, PUBLIC = "held other bytes than were sent", "anybody could read"
MISTAKES = {
    "copies_by_header": f"headers x-amz-copy-source, the upload {OTHER_BYTES}",
    "publishes_by_header": f"headers x-amz-acl, {PUBLIC} the upload",
    "obeys_fields": f"fields x-amz-copy-source, the upload {OTHER_BYTES}",
    "takes_puts": f"PUT with the form's signature and the headers x-amz-copy-source, the upload {OTHER_BYTES}",
    "takes_any_length": f"a file of 31 bytes where 32 were announced, the upload {OTHER_BYTES}",
    "is_public": f"a form as it should be, {PUBLIC} the upload",
    "knows_no_forms": "answered 405 to an upload form as S3 defines it, so nobody could upload",
}


def settings_of(server: NaiveStore) -> S3Settings:
    return S3Settings(endpoint=server.endpoint, access_key="key", secret_key=SecretStr("secret"), bucket=BUCKET)


def test_every_mistake_is_tried() -> None:
    assert set(MISTAKES) == {one.name for one in fields(Manners)}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_store_that_falls_for_it_is_refused(mistake: str) -> None:
    with naive_store(Manners(**{mistake: True})) as server:
        with pytest.raises(UsageError, match=MISTAKES[mistake]) as caught:
            probe_uploads(settings_of(server))
        assert server.endpoint in str(caught.value)
        assert "Use a store that" in str(caught.value)
        assert not server.objects


def test_a_store_that_does_not_is_taken_and_left_as_it_was() -> None:
    with naive_store(Manners()) as server:
        server.objects["tenants/a/x"] = b"hers"
        probe_uploads(settings_of(server))
        assert server.objects == {"tenants/a/x": b"hers"}
        assert len(server.ever) == 2
        assert all(key.startswith(PREFIX) for key in server.ever)


def test_what_a_killed_gateway_left_goes_with_time(s3_server: S3Server) -> None:
    settings = s3_settings(s3_server, bucket="left")
    store = S3Store(settings)
    store.ensure_bucket()
    old, new = (f"{PREFIX}{first_id(timedelta(minutes=age))}0123456789/theirs" for age in (61, 59))
    for key in (old, new, "tenants/a/x"):
        store.put_bytes(key, b"1")
    probe_uploads(settings)
    assert list(store.keys("")) == [new, "tenants/a/x"]


def test_several_gateways_may_try_at_once(s3_server: S3Server) -> None:
    settings = s3_settings(s3_server, bucket="probed")
    store = S3Store(settings)
    store.ensure_bucket()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(probe_uploads, [settings] * 4))
    assert not list(store.keys(""))


def test_a_store_that_is_away_is_told_apart_from_a_bad_one() -> None:
    with naive_store(Manners(copies_by_header=True)) as server:
        server.away = True
        with pytest.raises(UnavailableError, match="LIFTLINE_S3_ENDPOINT"):
            probe_uploads(settings_of(server), retry_s=0.2)
