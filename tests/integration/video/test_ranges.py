"""Videos that are read by ranges, as from a store: the same plan and pictures, few bytes, and outages are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest

from liftline.errors import UnavailableError
from liftline.files.range_reader import BLOCK_BYTES, RangeReader
from liftline.frames import Frame
from liftline.plan import Plan
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
from tests.integration.video.factory import VideoFactory

NOISE = np.random.default_rng(0).integers(0, 256, (16, 360, 480, 3), np.uint8)
AT_END, IN_PIECES = "use_metadata_tags", "frag_keyframe+empty_moov"
VIDEOS: dict[str, dict[str, Any]] = {
    "index first.mp4": {"audio": "aac"},
    "index last.mp4": {"audio": "aac", "movflags": AT_END},
    "in pieces.mp4": {"movflags": IN_PIECES},
    "index last.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "movflags": AT_END},
    "a.mkv": {"audio": "aac"},
    "a.webm": {"codec": "libvpx-vp9"},
    "a.avi": {"codec": "mpeg4", "audio": "libmp3lame"},
    "a.ts": {"audio": "aac"},
    "a.ogv": {"codec": "libvpx", "pictures": lambda number: NOISE[number % 16, :192, :256] // 32 + 112},
    "a.flv": {},
    "a.mxf": {"codec": "mpeg2video", "rate": Fraction(25)},
    "a.h264": {},
}
BLOCK = 2_048
"""So small that these videos have many."""


class Ranges:
    """A file by ranges; away after so many requests."""

    def __init__(self, path: Path, *, block_bytes: int = BLOCK, away_after: int = 1 << 30) -> None:
        self.content, self.block_bytes, self.away_after = path.read_bytes(), block_bytes, away_after
        self.requests, self.bytes_read = 0, 0
        self.error = UnavailableError("the store is away")

    def __call__(self, offset: int, length: int) -> bytes:
        self.requests += 1
        if self.requests > self.away_after:
            raise self.error
        self.bytes_read += length
        return self.content[offset : offset + length]

    def open(self) -> BinaryIO:
        return cast(BinaryIO, RangeReader(self, len(self.content), block_bytes=self.block_bytes))


def planned(ranges: Ranges, name: str, *, segment_s: float = 0.5) -> Plan:
    return plan_video(ranges.open, name=name, segment_s=segment_s, stop=StopFlag())


def pictures(opener: Callable[[], BinaryIO], plan: Plan, number: int) -> list[Frame]:
    segment = plan.segments[number]
    return list(read_frames(opener, plan, start=segment.start, stop=segment.stop, stop_token=StopFlag()))


@pytest.fixture(params=VIDEOS)
def path(request: pytest.FixtureRequest, make_video: VideoFactory) -> Path:
    return make_video(request.param, frames=60, size=(256, 192), **VIDEOS[request.param])


def test_plan_and_pictures_are_those_of_the_file(path: Path) -> None:
    local = plan_video(local_opener(path), name=path.name, segment_s=0.5, stop=StopFlag())
    ranges = Ranges(path)
    assert local.frame_count > 55
    assert len(ranges.content) > 4 * BLOCK
    plan = planned(ranges, path.name)
    assert (plan.info, plan.segments, plan.exact_times, plan.warnings) == (
        local.info, local.segments, local.exact_times, local.warnings,
    )  # fmt: skip
    assert plan.pts.tolist() == local.pts.tolist()
    for number in range(len(plan.segments)):
        there, here = pictures(ranges.open, plan, number), pictures(local_opener(path), plan, number)
        assert [frame.index for frame in there] == [frame.index for frame in here]
        assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(there, here, strict=True))


def outages(path: Path, use: Callable[[Ranges], object]) -> Iterator[tuple[Ranges, Exception | None]]:
    """The store goes away after some dozen numbers of requests, the last of them all; what became of it each time."""
    undisturbed = Ranges(path)
    use(undisturbed)
    for away_after in (*range(0, undisturbed.requests, 1 + undisturbed.requests // 30), undisturbed.requests):
        ranges = Ranges(path, away_after=away_after)
        try:
            use(ranges)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            yield ranges, error
        else:
            yield ranges, None


def assert_told(found: list[tuple[Ranges, Exception | None]], capfd: pytest.CaptureFixture[str]) -> None:
    """An outage is what ends it, two requests later at most; one that only reading ahead meets isn't noticed."""
    told = [(ranges, error) for ranges, error in found if error is not None]
    assert told
    assert all(error is ranges.error for ranges, error in told)
    assert all(ranges.requests - ranges.away_after <= 3 for ranges, _ in found)
    done = list(takewhile(lambda each: each[1] is None, reversed(found)))
    assert len(done) + len(told) == len(found), "an outage went unnoticed in the middle"
    assert "exception" not in capfd.readouterr().err


def test_an_outage_at_any_request_ends_planning_as_it_is(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert_told(list(outages(path, lambda ranges: planned(ranges, path.name))), capfd)


def test_an_outage_at_any_request_ends_reading_as_it_is(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan = planned(Ranges(path), path.name)
    assert_told(list(outages(path, lambda ranges: pictures(ranges.open, plan, len(plan.segments) - 1))), capfd)


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s, 27 MB, sound between pictures, its index at the end."""
    return VideoFactory(tmp_path_factory.mktemp("long"))(
        "long.mp4", codec="mjpeg", pix_fmt="yuvj420p", size=(480, 360), frames=160, rate=Fraction(4), audio="aac",
        options={"b": "100M", "qmin": "1"}, movflags=AT_END, pictures=lambda number: NOISE[number % 16],
    )  # fmt: skip


def test_a_segment_takes_little_more_than_its_own_bytes(long_video: Path) -> None:
    size = long_video.stat().st_size
    assert size > 20 * BLOCK_BYTES
    ranges = Ranges(long_video, block_bytes=BLOCK_BYTES)
    plan = planned(ranges, "long.mp4", segment_s=10)
    assert ranges.bytes_read < size + 5 * BLOCK_BYTES
    assert len(plan.segments) == 4
    for number in range(4):
        ranges = Ranges(long_video, block_bytes=BLOCK_BYTES)
        assert len(pictures(ranges.open, plan, number)) == 40
        assert ranges.bytes_read < size / 4 + 6 * BLOCK_BYTES
        assert ranges.requests < size / 4 / BLOCK_BYTES + 7
