"""Single transfers: told to stop, refused, not trusted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from liftline.client import ServerError
from liftline.client.transfer import AddressExpiredError, Transfers
from liftline.errors import Cancelled, InvalidInputError, UsageError
from liftline.upload_form import UploadForm
from tests.integration.client.fake_gateway import Gateway, broken_after

CONTENT = bytes(range(256)) * 4000


def form(gateway: Gateway) -> UploadForm:
    return UploadForm(gateway.store.address(""), {"key": "clip"}, len(CONTENT))


def test_an_upload_that_is_told_to_stop_leaves_no_object(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(CONTENT)
    transfers = Transfers(retry_s=3)
    with pytest.raises(Cancelled):
        transfers.upload(form(gateway), tmp_path / "clip.mp4", lambda *_: transfers.stop.stop())
    assert not gateway.store.objects


def test_a_download_that_is_told_to_stop_keeps_what_came(gateway: Gateway, tmp_path: Path) -> None:
    gateway.store.objects["clip"] = CONTENT
    transfers, part = Transfers(retry_s=3), tmp_path / "part"

    def stop_in_the_middle(done: int, _total: int) -> None:
        if done > 100_000:
            transfers.stop.stop()

    with pytest.raises(Cancelled):
        transfers.download(
            gateway.store.address("clip"), part, size_bytes=len(CONTENT), sha256="", on_bytes=stop_in_the_middle
        )
    assert 100_000 < part.stat().st_size < len(CONTENT)
    assert CONTENT.startswith(part.read_bytes())


def test_an_empty_object_is_a_file(gateway: Gateway, tmp_path: Path) -> None:
    Transfers().download("http://127.0.0.1:1/", tmp_path / "part", size_bytes=0, sha256=hashlib.sha256().hexdigest())
    assert (tmp_path / "part").read_bytes() == b""


def test_more_bytes_than_were_told_of_are_not_taken(gateway: Gateway, tmp_path: Path) -> None:
    gateway.store.objects["clip"] = CONTENT
    with pytest.raises(ServerError, match="more than the 1000 bytes"):
        Transfers().download(gateway.store.address("clip"), tmp_path / "part", size_bytes=1000, sha256="")
    assert not (tmp_path / "part").exists()


def test_patience_lasts_as_long_as_something_comes(gateway: Gateway, tmp_path: Path) -> None:
    gateway.store.objects["clip"] = CONTENT
    gateway.store.faults.extend([broken_after(100_000)] * 8)
    Transfers(retry_s=0.5).download(
        gateway.store.address("clip"), tmp_path / "part", size_bytes=len(CONTENT), sha256=""
    )
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_nothing_is_sent_unencrypted_to_another_machine(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(CONTENT)
    given = UploadForm("http://storage.example/b?signature=secret", {"x-amz-signature": "secret"}, len(CONTENT))
    with pytest.raises(ServerError, match=r"storage\.example") as caught:
        Transfers().upload(given, tmp_path / "clip.mp4")
    assert "secret" not in str(caught.value)


def test_authorities_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificates")
    with pytest.raises(UsageError, match=r"ca\.pem"):
        Transfers(tmp_path / "ca.pem").download("https://127.0.0.1:1/", tmp_path / "part", size_bytes=1, sha256="")


def test_a_video_that_is_gone_is_named(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="gone"):
        Transfers().upload(form(gateway), tmp_path / "gone.mp4")


@pytest.mark.parametrize("size", [1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, len(CONTENT)])
def test_a_form_brings_the_file_as_it_is(gateway: Gateway, tmp_path: Path, size: int) -> None:
    (tmp_path / "clip.mp4").write_bytes(CONTENT[:size])
    told: list[tuple[int, int]] = []
    given = replace(form(gateway), size_bytes=size, fields={"key": 'a"b é', "x": ""})
    Transfers().upload(given, tmp_path / "clip.mp4", lambda done, total: told.append((done, total)))
    assert gateway.store.objects == {'a"b é': CONTENT[:size]}
    assert told[-1] == (size, size)


def test_a_file_of_another_length_than_was_announced_is_not_sent(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(CONTENT + b"more")
    with pytest.raises(AddressExpiredError, match=r"has 1024004 bytes, and 1024000 were announced"):
        Transfers().upload(form(gateway), tmp_path / "clip.mp4")
    assert not gateway.store.objects


@pytest.mark.parametrize("change", [100, -100_000], ids=["grows", "shrinks"])
def test_a_file_that_changes_while_it_is_sent_leaves_no_object(gateway: Gateway, tmp_path: Path, change: int) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    with pytest.raises(InvalidInputError, match="changed while it was uploaded"):
        Transfers(retry_s=3).upload(form(gateway), path, lambda *_: os.truncate(path, len(CONTENT) + change))
    assert not gateway.store.objects
