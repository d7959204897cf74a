"""A store whose answers come wrong: once, and nobody notices; always, and it is told as what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liftline.adapters.s3 import S3Store
from liftline.errors import AlteredArtifactError, UnavailableError
from liftline.files.block_hashes import BlockHashes, BlockRecorder
from liftline.files.range_reader import BLOCK_BYTES
from liftline.net.rereading import SAME_ANSWERS, read_again
from liftline.net.retrying import TASK_FETCH
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.worker.task_files.input_cache import fetch_checked
from liftline_cli.up.s3_server import S3Server
from tests.integration.s3.lying import LIES, Lie, LyingProxy, lying_proxy, page
from tests.servers import s3_settings

CONTENT = bytes(range(251)) * (5 * BLOCK_BYTES // 502)
"""Two blocks and a half."""
BLOCKS = BlockHashes(
    b"".join(hashlib.sha256(CONTENT[at : at + BLOCK_BYTES]).digest() for at in range(0, len(CONTENT), BLOCK_BYTES))
)
KEY = "t/there"
REF = ArtifactRef(key=KEY, sha256=hashlib.sha256(CONTENT).hexdigest(), size_bytes=len(CONTENT))
ONCE = 1


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[LyingProxy]:
    with lying_proxy(s3_server) as made:
        yield made


@pytest.fixture
def store(s3_server: S3Server, proxy: LyingProxy) -> S3Store:
    settings = s3_settings(s3_server, bucket="lies")
    honest = S3Store(settings)
    honest.ensure_bucket()
    honest.remove_all("t/")
    honest.put_bytes(KEY, CONTENT)
    return S3Store(settings.model_copy(update={"endpoint": proxy.endpoint}), retry_s=5)


def fetched(store: S3Store, folder: Path) -> bytes:
    path = folder / "input"
    read_again(TASK_FETCH, lambda: fetch_checked(store, REF, path), on=UnavailableError)
    return path.read_bytes()


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_input_that_comes_wrong_once_is_fetched_again(
    store: S3Store, proxy: LyingProxy, tmp_path: Path, lie: Lie
) -> None:
    proxy.lie("GET", KEY, lie, times=ONCE)
    assert fetched(store, tmp_path) == CONTENT
    assert proxy.told == ONCE


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_block_of_a_video_that_comes_wrong_once_is_read_again(store: S3Store, proxy: LyingProxy, lie: Lie) -> None:
    proxy.lie("GET", KEY, lie, times=ONCE)
    with store.open(KEY, check=BLOCKS) as stream:
        assert stream.read() == CONTENT
    assert proxy.told == ONCE


def test_what_stays_wrong_in_the_same_way_is_told_as_altered(store: S3Store, proxy: LyingProxy, tmp_path: Path) -> None:
    proxy.lie("GET", KEY, LIES["flipped"], times=SAME_ANSWERS)
    with store.open(KEY, check=BLOCKS) as stream, pytest.raises(AlteredArtifactError, match="changed in the bucket"):
        stream.read()
    proxy.lie("GET", KEY, LIES["zeros"], times=SAME_ANSWERS)
    with pytest.raises(AlteredArtifactError, match=f"{KEY}: .* bytes that aren't the .* changed in the bucket"):
        fetched(store, tmp_path)
    assert proxy.told == 2 * SAME_ANSWERS
    assert list(tmp_path.iterdir()) == []


def test_pages_of_somebody_else_say_nothing_of_an_object_however_many_come(
    store: S3Store, proxy: LyingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liftline.adapters.s3.store.S3_ANSWER", TASK_FETCH.within(1.0))
    proxy.lie("GET", KEY, page(len(CONTENT)), times=100)
    with pytest.raises(UnavailableError, match=KEY):
        store.get_bytes(KEY, at_most=len(CONTENT))


@pytest.mark.parametrize("passes", [False, True], ids=["lost", "stored"])
@pytest.mark.parametrize("size", [3, 9 << 20], ids=["small", "in parts"])
def test_what_is_stored_is_there_although_somebody_else_answered(
    store: S3Store, proxy: LyingProxy, tmp_path: Path, passes: bool, size: int
) -> None:
    (tmp_path / "given").write_bytes(bytes(size))
    method = "PUT" if size < BLOCK_BYTES else "POST"
    proxy.lie(method, "t/new", page(), times=ONCE, passes=passes)
    store.put_file("t/new", tmp_path / "given")
    assert proxy.told == ONCE
    assert store.size("t/new") == size


USES: dict[str, tuple[str, str, Callable[[S3Store], object], object]] = {
    "size": ("HEAD", KEY, lambda store: store.size(KEY), len(CONTENT)),
    "open": ("HEAD", KEY, lambda store: len(store.open(KEY).read()), len(CONTENT)),
    "keys": ("GET", "", lambda store: list(store.keys("t/")), [KEY]),
    "copy": ("PUT", "t/copy", lambda store: store.copy(KEY, "t/copy") or store.size("t/copy"), len(CONTENT)),
    "remove": ("DELETE", KEY, lambda store: store.remove(KEY) or store.size(KEY), None),
    "remove_all": ("POST", "", lambda store: store.remove_all("t/") or store.size(KEY), None),
}


@pytest.mark.parametrize("name", USES)
def test_a_page_of_somebody_else_is_not_the_stores_word(store: S3Store, proxy: LyingProxy, name: str) -> None:
    method, end, use, result = USES[name]
    proxy.lie(method, end, page(), times=ONCE, passes=False)
    assert use(store) == result
    assert proxy.told == ONCE


def test_a_listing_has_all_of_many_pages(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liftline.adapters.s3.store._PAGE", 2)
    for number in range(5):
        store.put_bytes(f"t/{number}", b"1")
    assert list(store.keys("t/")) == [*(f"t/{number}" for number in range(5)), KEY]
    store.remove_all("t/")
    assert list(store.keys("")) == []


def test_blocks_that_were_planned_with_must_be_the_same_when_they_are_hashed(store: S3Store, proxy: LyingProxy) -> None:
    recorder = BlockRecorder()
    proxy.lie("GET", KEY, LIES["flipped"], times=ONCE)
    with store.open(KEY, check=recorder) as stream:
        stream.read(1)
    with pytest.raises(UnavailableError, match="others a moment ago"):
        recorder(0, CONTENT[:BLOCK_BYTES])
    recorder = BlockRecorder()
    proxy.lie("GET", KEY, LIES["flipped"], times=ONCE)
    with store.open(KEY, check=recorder) as stream:
        stream.read(1)
    proxy.lie("GET", KEY, lambda answer: answer, times=ONCE)
    proxy.lie("GET", KEY, LIES["flipped"], times=ONCE)  # which nobody asks for: it would be as it was at first
    with store.open(KEY, check=recorder) as stream, pytest.raises(UnavailableError, match="others a moment ago"):
        stream.read(1)
    proxy.lies.clear()
    again = BlockRecorder()
    for _ in range(2):
        with store.open(KEY, check=again) as stream:
            assert stream.read() == CONTENT
    assert again.hashes() == BLOCKS
