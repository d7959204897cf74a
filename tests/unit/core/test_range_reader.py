"""Reading by ranges is reading the file: the same bytes, few requests, little memory, errors as they are."""

from __future__ import annotations

import io
import threading
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.files.range_reader import RangeReader

CONTENT = bytes(range(251)) * 40
BLOCK = 1_000


class Ranges:
    """Content by ranges. Notes who asks for what; `fail_at` is the number of the first request that fails."""

    def __init__(self, content: bytes = CONTENT, *, fail_at: int = 1 << 30) -> None:
        self.content, self.fail_at = content, fail_at
        self.asked: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self.error = UnavailableError("the store is away")

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        self.threads.add(threading.get_ident())
        if len(self.asked) > self.fail_at:
            raise self.error
        return self.content[offset : offset + length]

    @property
    def blocks(self) -> list[int]:
        return [offset // BLOCK for offset, _ in self.asked]


def reader(ranges: Ranges, *, kept_blocks: int = 4) -> RangeReader:
    return RangeReader(ranges, len(ranges.content), block_bytes=BLOCK, kept_blocks=kept_blocks)


STEPS = st.one_of(
    st.tuples(st.just("read"), st.integers(-1, 3_000), st.just(0)),
    st.tuples(st.just("seek"), st.integers(0, 12_000), st.just(io.SEEK_SET)),
    st.tuples(st.just("seek"), st.integers(-3_000, 3_000), st.just(io.SEEK_CUR)),
    st.tuples(st.just("seek"), st.integers(-12_000, 100), st.just(io.SEEK_END)),
)


@given(steps=st.lists(STEPS, max_size=30), length=st.sampled_from([0, 1, 999, 1_000, 1_001, len(CONTENT)]))
def test_it_reads_as_the_file_itself(steps: list[tuple[str, int, int]], length: int) -> None:
    file = io.BytesIO(CONTENT[:length])
    with reader(Ranges(CONTENT[:length])) as stream:
        for step, number, whence in steps:
            if step == "read":
                assert stream.read(number) == file.read(number)
            elif whence == io.SEEK_SET or file.tell() * (whence == 1) + length * (whence == 2) + number >= 0:
                assert stream.seek(number, whence) == file.seek(number, whence)
            else:
                with pytest.raises(ValueError, match="negative"):
                    stream.seek(number, whence)
            assert stream.tell() == file.tell()


def test_reading_on_asks_for_every_block_once_and_ahead_in_another_thread() -> None:
    ranges = Ranges()
    with reader(ranges) as stream:
        while stream.read(64):
            pass
    assert sorted(ranges.blocks) == list(range(11))
    assert ranges.asked[-1] == (10_000, 40)
    assert len(ranges.threads) == 2


def test_a_look_here_and_there_asks_for_nothing_ahead() -> None:
    ranges = Ranges()
    with reader(ranges) as stream:
        for offset in (0, 9_500, 5_000, 5_100, 9_999):
            stream.seek(offset)
            stream.read(1)
    assert ranges.blocks == [0, 9, 5]
    assert ranges.threads == {threading.get_ident()}


def test_sound_and_pictures_that_lie_apart_are_read_in_turns() -> None:
    ranges = Ranges()
    with reader(ranges, kept_blocks=6) as stream:
        for step in range(0, 4_000, 100):
            for start in (0, 5_000):
                stream.seek(start + step)
                assert stream.read(100) == CONTENT[start + step : start + step + 100]
    assert len(ranges.blocks) == len(set(ranges.blocks))
    assert {*range(4), *range(5, 9)} <= set(ranges.blocks) <= set(range(10))


def test_only_so_many_blocks_are_kept() -> None:
    ranges = Ranges()
    with reader(ranges, kept_blocks=2) as stream:
        for offset in (0, 4_000, 8_000, 0):
            stream.seek(offset)
            stream.read(1)
    assert ranges.blocks == [0, 4, 8, 0]


def test_the_error_of_a_range_is_the_readers() -> None:
    ranges = Ranges(fail_at=1)
    with reader(ranges) as stream:
        assert stream.read(BLOCK) == CONTENT[:BLOCK]
        with pytest.raises(UnavailableError) as caught:
            stream.read(1)
        assert caught.value is ranges.error
        assert stream.tell() == BLOCK
        ranges.fail_at = 1 << 30
        assert stream.read(1) == CONTENT[BLOCK : BLOCK + 1]


def test_what_failed_ahead_is_tried_once_more() -> None:
    ranges = Ranges(fail_at=2)
    with reader(ranges) as stream:
        stream.read(BLOCK + 1)
        stream.seek(0)
        while len(ranges.asked) < 3:
            pass
        ranges.fail_at = 1 << 30
        assert stream.read() == CONTENT
    assert ranges.blocks[:4] == [0, 1, 2, 2]


@pytest.mark.parametrize("answer", [b"", b"1", bytes(BLOCK + 1)])
def test_an_answer_of_another_length_is_refused(answer: bytes) -> None:
    with (
        RangeReader(lambda offset, length: answer, 5 * BLOCK, block_bytes=BLOCK) as stream,
        pytest.raises(InvalidArtifactError, match=f"{len(answer)} bytes instead of {BLOCK} at 0"),
    ):
        stream.read(1)


def test_a_closed_stream_reads_no_more() -> None:
    stream = reader(Ranges())
    stream.read(1)
    stream.close()
    stream.close()
    for use in (stream.read, lambda: stream.seek(0)):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_closing_does_not_wait_for_what_is_on_its_way() -> None:
    asked, release = threading.Event(), threading.Event()

    def slow_ahead(offset: int, length: int) -> bytes:
        if offset == 2 * BLOCK:
            asked.set()
            release.wait(30)
        return CONTENT[offset : offset + length]

    stream = RangeReader(slow_ahead, len(CONTENT), block_bytes=BLOCK)
    stream.read(BLOCK + 1)
    assert asked.wait(30)
    stream.close()
    assert not release.is_set()
    release.set()


def test_a_zip_file_is_read_through_it() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", CONTENT)
        archive.writestr("b", CONTENT[::-1])
    with reader(Ranges(buffer.getvalue())) as stream, zipfile.ZipFile(stream) as archive:  # type: ignore[arg-type]
        assert archive.read("a") == CONTENT
        assert archive.read("b") == CONTENT[::-1]
