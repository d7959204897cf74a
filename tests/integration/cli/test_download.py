"""Model files over HTTP from a real server: resumed, bounded, checked, one process at a time."""

from __future__ import annotations

import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from liftline.errors import ExitCode, ModelError, OutputError
from liftline.models import catalogue as models
from liftline.models.catalogue import Address, ModelFile
from liftline.models.fetching.download import Outcome, download
from liftline.net.retrying import MODEL_DOWNLOAD
from tests.integration.cli.file_server import (
    Fault,
    FileServer,
    answer,
    broken_after,
    chunked_forever,
    held_after,
    serve,
    status,
    without_length,
)

CONTENT = random.Random(0).randbytes(1_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
OTHER = random.Random(1).randbytes(1_000_000)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch) -> None:
    """The machine's own proxies have no part in this."""
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A model folder that isn't there yet."""
    where = tmp_path / "model files é"
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(where))
    return where


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server of CONTENT."""
    with FileServer.running(CONTENT) as running:
        yield running


def model_at(url: str, *, md5_prefix: str = MD5[:6], sha256: str | None = None, max_bytes: int = 2 << 20) -> ModelFile:
    return ModelFile(
        name="toy",
        file_name="toy.bin",
        licence="MIT",
        origin="this test",
        source=Address(url, max_bytes=max_bytes, md5_prefix=md5_prefix),
        sha256=sha256,
        optional=True,
    )


def fetch(model: ModelFile, seen: list[tuple[int, int | None]] | None = None) -> Outcome:
    assert isinstance(model.source, Address)
    steps: list[tuple[int, int | None]] = [] if seen is None else seen
    return download(
        model,
        model.source,
        on_bytes=lambda done, total: steps.append((done, total)),
        on_wait=lambda: pytest.fail("nobody else is at it"),
        policy=replace(MODEL_DOWNLOAD, first_wait_s=0.01),
    )


def visible(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_a_file_is_fetched_checked_and_its_hash_recorded(folder, server):
    seen: list[tuple[int, int | None]] = []
    model = model_at(server.url)
    assert fetch(model, seen) is Outcome.FETCHED
    assert models.load(model) == CONTENT
    assert models.recorded_sha256(model) == SHA256
    assert visible(folder) == ["toy.bin", "toy.bin.sha256"]
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_good_file_is_not_asked_for_again(folder, server):
    model = model_at(server.url)
    fetch(model)
    assert fetch(model) is Outcome.THERE
    assert len(server.ranges) == 1


def test_a_broken_connection_goes_on_where_it_stopped(folder, server):
    server.faults.extend([broken_after(300_000), broken_after(300_000)])
    seen: list[tuple[int, int | None]] = []
    model = model_at(server.url)
    fetch(model, seen)
    assert models.load(model) == CONTENT
    starts = [int(r.removeprefix("bytes=").rstrip("-")) for r in server.ranges if r]
    assert server.ranges[0] is None
    assert len(starts) == 2
    assert 0 < starts[0] <= 300_000
    assert starts[0] < starts[1] <= 600_000
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {len(CONTENT)}


def test_a_later_run_goes_on_where_the_first_gave_up(folder, server):
    server.faults.extend([broken_after(400_000), *[broken_after(0)] * 5])
    model = model_at(server.url)
    with pytest.raises(ModelError, match="the connection broke off") as caught:
        fetch(model)
    assert "HTTPS_PROXY" in str(caught.value)
    assert f"copy the file from another machine to {folder / 'toy.bin'}" in str(caught.value)
    assert visible(folder) == ["toy.bin.part", "toy.bin.part.etag"]
    kept = (folder / "toy.bin.part").stat().st_size
    assert fetch(model) is Outcome.FETCHED
    assert server.ranges[-1] == f"bytes={kept}-"
    assert models.load(model) == CONTENT
    assert visible(folder) == ["toy.bin", "toy.bin.sha256"]


def test_a_server_without_ranges_sends_everything_anew(folder, server):
    server.knows_ranges = False
    server.faults.append(broken_after(500_000))
    model = model_at(server.url)
    fetch(model)
    assert models.load(model) == CONTENT


def test_a_file_that_changed_meanwhile_is_begun_anew(folder, server):
    def changed(handler) -> None:
        server.content, server.etag = OTHER, '"v2"'
        serve(handler)

    server.faults.extend([broken_after(500_000), changed])
    model = model_at(server.url, md5_prefix="")
    fetch(model)
    assert server.ranges[1] is not None
    assert models.load(model) == OTHER


@pytest.mark.parametrize("etag", [None, 'W/"v1"', ""])
def test_without_a_strong_etag_nothing_is_resumed(folder, etag):
    with FileServer.running(CONTENT, etag=etag) as server:
        server.faults.append(broken_after(500_000))
        model = model_at(server.url, md5_prefix="")
        fetch(model)
        assert models.load(model) == CONTENT
        assert server.ranges == [None, None]


def part_sent(start: int, end: int, **headers: str) -> Fault:
    """An answer with just these bytes, whatever was asked for."""
    return lambda handler: answer(
        handler, 206, {"Content-Range": f"bytes {start}-{end - 1}/{len(CONTENT)}", **headers}, CONTENT[start:end]
    )


@pytest.mark.parametrize("headers", [{}, {"ETag": '"v2"'}])
def test_another_part_than_asked_for_is_not_appended(folder, server, headers):
    folder.mkdir()
    (folder / "toy.bin.part").write_bytes(CONTENT[:500_000])
    (folder / "toy.bin.part.etag").write_text('"v1"')
    server.faults.append(part_sent(500_000 if headers else 7, len(CONTENT), **headers))
    model = model_at(server.url, md5_prefix="")
    fetch(model)
    assert server.ranges == ["bytes=500000-", None]
    assert models.load(model) == CONTENT


def test_a_server_that_sends_less_than_asked_for_is_asked_for_the_rest(folder, server):
    folder.mkdir()
    (folder / "toy.bin.part").write_bytes(CONTENT[:500_000])
    (folder / "toy.bin.part.etag").write_text('"v1"')
    server.faults.append(part_sent(500_000, 700_000))
    model = model_at(server.url, md5_prefix="")
    fetch(model)
    assert server.ranges == ["bytes=500000-", "bytes=700000-"]
    assert models.load(model) == CONTENT


def test_a_complete_part_needs_no_more_bytes(folder, server):
    folder.mkdir()
    (folder / "toy.bin.part").write_bytes(CONTENT)
    (folder / "toy.bin.part.etag").write_text('"v1"')
    model = model_at(server.url)
    fetch(model)
    assert server.ranges == [f"bytes={len(CONTENT)}-"]
    assert models.load(model) == CONTENT


def test_a_part_longer_than_the_file_is_begun_anew(folder, server):
    folder.mkdir()
    (folder / "toy.bin.part").write_bytes(CONTENT + b"more")
    (folder / "toy.bin.part.etag").write_text('"v1"')
    model = model_at(server.url)
    fetch(model)
    assert models.load(model) == CONTENT


def test_a_part_without_its_etag_is_begun_anew(folder, server):
    folder.mkdir()
    (folder / "toy.bin.part").write_bytes(OTHER[:500_000])
    model = model_at(server.url)
    fetch(model)
    assert server.ranges == [None]
    assert models.load(model) == CONTENT


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(folder, server, code):
    server.faults.extend([status(code), status(code, Retry_After="0")])
    model = model_at(server.url)
    fetch(model)
    assert models.load(model) == CONTENT


def test_a_server_that_stays_busy_is_named(folder, server):
    server.faults.extend([status(503)] * 5)
    with pytest.raises(ModelError, match="the server answered 503 Service Unavailable"):
        fetch(model_at(server.url))
    assert len(server.ranges) == 5


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_file_that_is_gone_is_said_at_once(folder, server, code):
    server.faults.append(status(code))
    with pytest.raises(ModelError, match=rf"{server.url}: the server answered {code}.*copy the file") as caught:
        fetch(model_at(server.url))
    assert caught.value.exit_code is ExitCode.MODEL
    assert len(server.ranges) == 1


def test_a_server_that_isnt_there_is_a_model_error(folder):
    with FileServer.running(CONTENT) as server:
        url = server.url
    with pytest.raises(ModelError, match=r"no connection: Connection refused.*copy the file from another machine"):
        fetch(model_at(url))


def test_wrong_bytes_are_deleted(folder, server):
    server.content = OTHER
    with pytest.raises(ModelError, match=rf"has the MD5 .*, not {MD5[:6]}… as its name promises; it was deleted"):
        fetch(model_at(server.url))
    assert visible(folder) == []


def test_a_pinned_hash_is_checked_too(folder, server):
    with pytest.raises(ModelError, match="not the one of the catalogue"):
        fetch(model_at(server.url, sha256="0" * 64))
    assert visible(folder) == []
    model = model_at(server.url, sha256=SHA256)
    fetch(model)
    assert visible(folder) == ["toy.bin"]
    assert models.load(model) == CONTENT


def test_the_first_downloads_hash_holds_for_every_later_one(folder, server):
    model = model_at(server.url, md5_prefix="")
    fetch(model)
    models.path(model).unlink()
    server.content, server.etag = OTHER, '"v2"'
    with pytest.raises(ModelError, match=r"toy\.bin\.sha256 recorded at the first download"):
        fetch(model)
    assert visible(folder) == ["toy.bin.sha256"]
    server.content = CONTENT
    fetch(model)
    assert models.load(model) == CONTENT


def test_an_altered_file_is_replaced(folder, server):
    model = model_at(server.url)
    fetch(model)
    models.path(model).write_bytes(OTHER)
    assert fetch(model) is Outcome.FETCHED
    assert models.load(model) == CONTENT


def test_a_file_copied_by_hand_is_checked_and_recorded_without_the_network(folder):
    model = model_at("https://unreachable.invalid/model.bin")
    folder.mkdir()
    models.path(model).write_bytes(CONTENT)
    assert fetch(model) is Outcome.RECORDED
    assert models.load(model) == CONTENT


@pytest.mark.parametrize("limit", [len(CONTENT) - 1, 1])
def test_a_file_that_states_too_many_bytes_is_refused_unread(folder, server, limit):
    with pytest.raises(ModelError, match="the server sends 1 MB where at most"):
        fetch(model_at(server.url, max_bytes=limit))
    assert "toy.bin" not in visible(folder)


def test_a_body_without_end_stops_at_the_bound(folder, server):
    server.faults.append(chunked_forever)
    seen: list[tuple[int, int | None]] = []
    with pytest.raises(ModelError, match="the server sends more where at most 2 MB are expected"):
        fetch(model_at(server.url), seen)
    assert visible(folder) == []
    assert max(done for done, _ in seen) <= 2 << 20


def test_a_body_that_could_be_torn_unnoticed_is_refused(folder, server):
    server.faults.append(without_length)
    with pytest.raises(ModelError, match="doesn't say where the file ends"):
        fetch(model_at(server.url, md5_prefix=""))
    assert visible(folder) == []


def test_redirects_are_followed(folder, server):
    server.faults.append(status(302, Location="/elsewhere.bin"))
    model = model_at(server.url)
    fetch(model)
    assert models.load(model) == CONTENT


def test_redirects_never_lead_to_an_unencrypted_address(folder, server):
    server.faults.append(status(302, Location="http://example.org/model.bin"))
    with pytest.raises(ModelError, match=r"http://example\.org/model\.bin: not an https address"):
        fetch(model_at(server.url))


def test_redirects_in_a_circle_end(folder, server):
    server.faults.extend([status(302, Location="/model.bin")] * 10)
    with pytest.raises(ModelError, match="more than 5 redirects"):
        fetch(model_at(server.url))


@pytest.mark.parametrize("url", ["http://example.org/model.bin", "ftp://example.org/m", "file:///etc/passwd", "m.bin"])
def test_only_https_is_fetched(folder, url):
    with pytest.raises(ModelError, match="not an https address"):
        fetch(model_at(url))


def test_a_proxy_is_asked(folder, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/model.bin"))
    model = model_at("http://127.0.0.1:9/model.bin")
    fetch(model)
    assert models.load(model) == CONTENT


def test_hosts_without_a_proxy_are_asked_directly(folder, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    model = model_at(server.url)
    fetch(model)
    assert models.load(model) == CONTENT


@pytest.mark.parametrize(
    ("proxy", "message"),
    [("http://127.0.0.1:9", "through the proxy, no connection"), ("socks5://127.0.0.1:9", "check HTTPS_PROXY")],
)
def test_a_proxy_that_is_none_is_named(folder, server, monkeypatch, proxy, message):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ModelError, match=message):
        fetch(model_at(server.url))


def test_a_full_disk_is_an_output_error(folder, server):
    folder.mkdir()
    (folder / "toy.bin.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"toy\.bin\.part: the disk is full; free some space"):
        fetch(model_at(server.url))


def test_a_folder_that_cant_be_is_an_output_error(folder, server):
    folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(OutputError, match="LIFTLINE_MODELS_DIR"):
        fetch(model_at(server.url))


FETCH_IN_A_PROCESS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
from liftline.models.catalogue import Address, ModelFile
from liftline.models.fetching.download import download
from liftline.net.retrying import RetryPolicy
source = Address(sys.argv[1], max_bytes=1 << 21)
model = ModelFile(name="toy", file_name="toy.bin", licence="MIT", origin="test", source=source, optional=True)
on_wait, policy = lambda: print("waiting", flush=True), RetryPolicy(attempts=5, first_wait_s=0.01)
print(download(model, source, on_bytes=lambda *_: None, on_wait=on_wait, policy=policy), flush=True)
"""


def in_a_process(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FETCH_IN_A_PROCESS, url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_fetch_a_file_once(folder, server):
    go_on, reached = threading.Event(), threading.Event()
    server.faults.append(held_after(300_000, go_on, reached))
    with in_a_process(server.url) as first:
        assert reached.wait(120)
        with in_a_process(server.url) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "waiting\n"
            go_on.set()
            assert first.communicate(timeout=120) == ("fetched\n", "")
            assert second.communicate(timeout=120) == ("there already\n", "")
    assert len(server.ranges) == 1
    assert models.load(model_at(server.url)) == CONTENT


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_process_leaves_what_it_has_for_the_next(folder, server, how):
    go_on, reached = threading.Event(), threading.Event()
    server.faults.append(held_after(300_000, go_on, reached))
    with in_a_process(server.url) as first:
        assert reached.wait(120)
        wait_until_written(folder / "toy.bin.part")
        first.send_signal(how)
        _, errors = first.communicate(timeout=120)
    go_on.set()
    assert first.returncode != 0
    assert how is not signal.SIGINT or "Cancelled: Stopped; what came so far is kept" in errors
    model = replace(model_at(server.url), sha256=SHA256)
    assert fetch(model) is Outcome.FETCHED
    assert server.ranges[-1] is not None
    assert models.load(model) == CONTENT


def wait_until_written(part: Path) -> None:
    for _ in range(1200):
        if part.is_file() and part.stat().st_size:
            return
        threading.Event().wait(0.1)
    pytest.fail("nothing was written")


# Mirrors, and archives.


def zipped(content: bytes, *, name: str = "20230831/rtmpose/end2end.onnx", **others: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        for other, small in others.items():
            archive.writestr(f"20230831/{other}.json", small)
    return packed.getvalue()


def archived(url: str, *mirrors: str, sha256: str | None = None, max_bytes: int = 2 << 20) -> ModelFile:
    """A model in a zip at `url`, as it is at mirrors."""
    others = tuple(Address(mirror, max_bytes=max_bytes) for mirror in mirrors)
    source = Address(
        url, max_bytes=max_bytes, member="end2end.onnx", companions=("pipeline.json",), mirrors=others
    )  # fmt: skip
    return replace(model_at(url, sha256=sha256), source=source)


@pytest.fixture
def mirror() -> Iterator[FileServer]:
    with FileServer.running(CONTENT) as running:
        yield running


def test_the_model_is_taken_out_of_its_archive_with_what_is_known_of_its_pictures(folder, server):
    server.content = zipped(CONTENT, pipeline=b"{}", detail=b"[]")
    model = archived(server.url)
    assert fetch(model) is Outcome.FETCHED
    assert models.load(model) == CONTENT
    assert models.recorded_sha256(model) == SHA256
    assert models.companion_path(model, "pipeline.json").read_bytes() == b"{}"
    assert visible(folder) == ["toy.bin", "toy.bin.pipeline.json", "toy.bin.sha256"]


def test_an_archive_that_broke_off_goes_on_where_it_was(folder, server):
    server.content = zipped(CONTENT)
    server.faults.append(broken_after(300_000))
    fetch(model := archived(server.url))
    assert models.load(model) == CONTENT
    assert server.ranges[1] is not None


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"no zip" * 100, "not a zip that can be read"),
        (zipped(CONTENT, name="other.onnx"), "the archive has 0 files 'end2end.onnx'"),
        (zipped(bytes(3 << 20)), "the server sends more in an archive where at most 2 MB are expected"),
        (zipped(OTHER), "has the SHA-256"),
    ],
)
def test_an_archive_without_the_model_is_refused_and_nothing_stays(folder, server, content, phrase):
    server.content = content
    with pytest.raises(ModelError, match=phrase):
        fetch(archived(server.url, sha256=SHA256))
    assert visible(folder) == []


@pytest.mark.parametrize("fault", [status(404), status(410)])
def test_where_an_address_has_nothing_its_mirror_is_asked(folder, server, mirror, fault):
    server.faults.append(fault)
    said: list[str] = []
    model = archived(server.url, mirror.url, sha256=SHA256)
    outcome = download(
        model, model.source, on_bytes=lambda *_: None, on_wait=lambda: None, on_mirror=said.append,
        policy=replace(MODEL_DOWNLOAD, first_wait_s=0.01),
    )  # fmt: skip
    assert outcome is Outcome.FETCHED
    assert models.load(model) == CONTENT
    assert len(said) == 1
    assert server.url in said[0]


def test_after_wrong_bytes_the_mirror_is_asked(folder, server, mirror):
    server.content = zipped(OTHER)
    fetch(model := archived(server.url, mirror.url, sha256=SHA256))
    assert models.load(model) == CONTENT


def test_a_server_that_is_down_is_left_for_its_mirror(folder, mirror):
    fetch(model := archived("http://127.0.0.1:9/toy.zip", mirror.url, sha256=SHA256))
    assert models.load(model) == CONTENT


def test_what_a_mirror_has_is_held_to_the_first_downloads_hash(folder, server, mirror):
    server.content = zipped(CONTENT)
    fetch(model := archived(server.url, mirror.url))
    models.path(model).unlink()
    server.faults.append(status(404))
    mirror.content = OTHER
    with pytest.raises(ModelError, match="recorded at the first download"):
        fetch(model)


def test_where_no_address_has_it_each_is_named(folder, server, mirror):
    server.faults.append(status(404))
    mirror.faults.append(status(403))
    with pytest.raises(ModelError, match=r"answered 404.*answered 403.*copy the file from another machine") as caught:
        fetch(archived(server.url, mirror.url))
    assert server.url in str(caught.value)
    assert mirror.url in str(caught.value)
