"""Small files that claim to be enormous are refused at once, before memory is taken for what they claim."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from liftline.errors import InvalidVideoError, LimitExceededError
from liftline.frames import Frame
from liftline.plan import Plan
from liftline.video.opening import VideoLimits
from tests.integration.hostile.bombs import BEFORE, BOMBS, claimed_frames, packed_index, picture_bomb
from tests.integration.video.factory import VideoFactory

MOST_MIB, MOST_S = 300, 20.0

Planner = Callable[..., Plan]


@contextmanager
def cheaply() -> Iterator[None]:
    """In little memory and time."""
    Path("/proc/self/clear_refs").write_text("5")
    before, start = peak_mib(), time.monotonic()
    yield
    assert peak_mib() - before < MOST_MIB
    assert time.monotonic() - start < MOST_S


def peak_mib() -> int:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) >> 10


def written(make: VideoFactory, content: bytes) -> Path:
    path = make.folder / "video.mp4"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_cheaply(kind: str, make_video: VideoFactory, plan_of: Planner) -> None:
    maker, message = BOMBS[kind]
    path = written(make_video, maker(make_video))
    with cheaply(), pytest.raises((InvalidVideoError, LimitExceededError), match=message):
        plan_of(path)


def test_a_picture_that_is_a_bomb_is_left_out_cheaply(
    make_video: VideoFactory, plan_of: Planner, read: Callable[..., list[Frame]]
) -> None:
    path = written(make_video, picture_bomb(make_video))
    with cheaply():
        frames = read(path, plan_of(path), threads=1)
    assert [frame.index for frame in frames] == [0, 1, 3]


def test_the_most_that_may_be_claimed_takes_bounded_memory(make_video: VideoFactory, plan_of: Planner) -> None:
    path = written(make_video, claimed_frames(make_video, 2_000_000))
    limits = VideoLimits(max_frames=1_000_000)
    with cheaply(), pytest.raises(InvalidVideoError, match="can be decoded"):
        plan_of(path, limits=limits)


def test_uncompressed_sound_has_many_samples_and_claims_few(make_video: VideoFactory, plan_of: Planner) -> None:
    path = make_video("clip.mov", audio="pcm_s16le", frames=30, rate=Fraction(1))  # 1.4 million samples
    assert plan_of(path, limits=VideoLimits(max_frames=100)).frame_count == 30


@pytest.mark.parametrize("movflags", [BEFORE, "faststart", "frag_keyframe+empty_moov"])
def test_what_real_files_claim_is_believed(movflags: str, make_video: VideoFactory, plan_of: Planner) -> None:
    path = make_video(audio="aac", movflags=movflags)
    assert plan_of(path, limits=VideoLimits(max_frames=30)).frame_count == 30


def test_a_compressed_index_is_read(make_video: VideoFactory, plan_of: Planner) -> None:
    path = written(make_video, packed_index(make_video("clip.mov", movflags=BEFORE).read_bytes()))
    assert plan_of(path).frame_count == 30
