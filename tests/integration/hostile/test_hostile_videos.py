"""Small videos that want gigabytes, minutes, or a crash: each ends its own task at most, in words."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from liftline.errors import InvalidVideoError, LimitExceededError
from liftline.frames import Frame
from liftline.plan import Plan
from liftline.progress import StopFlag
from liftline.video.opening import VideoLimits, local_opener
from liftline.video.planning import plan_video
from liftline.video.process import running
from liftline.video.process.running import VideoTask, result_of
from liftline.video.process.session import Session
from liftline.video.reading import read_frames
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.mux import MuxSegment, mux
from tests.integration.hostile.bombs import samples_of_sound
from tests.integration.hostile.corpus import KINDS, ROOT, SHORT, attempts, described, is_finding
from tests.integration.hostile.mp4_videos import MP4
from tests.integration.hostile.other_videos import OTHERS, long_silence
from tests.integration.video.factory import VideoFactory

pytestmark = pytest.mark.timeout(900)
ALL = "LIFTLINE_HOSTILE" in os.environ


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of a few dozen kinds; of all where LIFTLINE_HOSTILE is set. `make fuzz` runs all of them, too."""
    return list(attempts(KINDS if ALL else SHORT, tmp_path_factory.mktemp("hostile")))


def plan(path: Path, **limits: int) -> Plan:
    return plan_video(local_opener(path), name=path.name, stop=StopFlag(), limits=VideoLimits(**limits))


def read(path: Path, of: Plan) -> list[Frame]:
    return list(read_frames(local_opener(path), of, start=0, stop=of.frame_count, stop_token=StopFlag()))


def test_there_are_many_kinds() -> None:
    assert len(KINDS) >= 60
    assert len(SHORT) >= 24


def test_no_hostile_video_takes_much_or_ends_without_words(found: list[dict[str, Any]]) -> None:
    assert not [each for each in found if is_finding(each)], "\n".join(described(each) for each in found)
    assert {each["outcome"] for each in found} == {"success", "refused"}


@pytest.mark.parametrize(
    "kind",
    ["mp4, 400 tracks of 50,000 pictures", "mp4, 50 tracks of a million pictures", "bomb: frames in fragments"],
)
def test_what_takes_too_much_memory_is_refused_for_that(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(MP4[kind](VideoFactory(tmp_path)))
    with pytest.raises(LimitExceededError, match=r"video\.mp4: .* more than 512 MB of memory"):
        plan(path)


def test_depth_chroma_and_reference_frames_count(tmp_path: Path) -> None:
    path = tmp_path / "video.h264"
    path.write_bytes(OTHERS["h264, 16 references of 4K, 4:4:4, 10 bits"](VideoFactory(tmp_path)))
    with pytest.raises(LimitExceededError, match="reference frames"):
        read(path, plan(path))


def test_sound_that_claims_a_billion_samples_is_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "video.mov"
    path.write_bytes(samples_of_sound(VideoFactory(tmp_path)))
    assert plan(path).frame_count == 30


def test_pictures_that_are_handed_over_count(tmp_path: Path) -> None:
    path = VideoFactory(tmp_path)(size=(1920, 1080), frames=5)
    planned = plan(path)
    opener, limits = local_opener(path), VideoLimits(max_memory_mb=60)
    with pytest.raises(LimitExceededError, match="more than 60 MB of memory"):
        list(read_frames(opener, planned, start=0, stop=5, stop_token=StopFlag(), limits=limits))


def test_less_memory_may_be_allowed(tmp_path: Path) -> None:
    path = VideoFactory(tmp_path)(size=(1920, 1080), frames=5)
    assert plan(path).frame_count == 5
    with pytest.raises(LimitExceededError, match="more than 8 MB of memory"):
        plan(path, max_memory_mb=8)


def test_a_neighbour_goes_on_while_others_are_refused(tmp_path: Path) -> None:
    honest = VideoFactory(tmp_path)("honest.mp4", frames=200)
    alone = [frame.rgb.copy() for frame in read(honest, plan(honest))]
    hostile = tmp_path / "hostile.mp4"
    hostile.write_bytes(MP4["mp4, 50 tracks of a million pictures"](VideoFactory(tmp_path)))
    refused: list[str] = []

    def attack() -> None:
        for _ in range(3):
            with pytest.raises(LimitExceededError) as error:
                plan(hostile)
            refused.append(str(error.value))

    attacker = threading.Thread(target=attack)
    attacker.start()
    beside = read(honest, plan(honest))
    attacker.join()
    assert len(refused) == 3
    assert all(np.array_equal(frame.rgb, before) for frame, before in zip(beside, alone, strict=True))


def crash(_session: Session, _request: dict[str, Any], _payload: bytes) -> bytes:
    os.kill(os.getpid(), signal.SIGSEGV)
    return b""


def hang(_session: Session, _request: dict[str, Any], _payload: bytes) -> bytes:
    signal.setitimer(signal.ITIMER_REAL, 0.5)  # instead of a minute
    while True:
        pass


def environment(_session: Session, _request: dict[str, Any], _payload: bytes) -> bytes:
    return "\n".join(os.environ).encode()


def task(function: str) -> VideoTask:
    return VideoTask(
        function=f"{__name__}:{function}", name="clip.mp4", request={}, opener=None, stop=StopFlag(), memory_mb=512
    )


@pytest.fixture
def with_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Reading processes that find this module."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(running, "_idle", [])
    yield
    running._end_idle()


@pytest.mark.usefixtures("with_tests")
def test_a_crash_of_libav_is_the_video_s_end_and_nobody_else_s(tmp_path: Path) -> None:
    with pytest.raises(InvalidVideoError, match=r"clip\.mp4: it ended the process that read it \(SIGSEGV\)"):
        result_of(task("crash"))
    assert plan(VideoFactory(tmp_path)()).frame_count == 30


@pytest.mark.usefixtures("with_tests")
def test_a_video_that_keeps_libav_busy_is_refused_for_that() -> None:
    with pytest.raises(LimitExceededError, match=r"clip\.mp4: for 60 s nothing could be read from it"):
        result_of(task("hang"))


@pytest.mark.usefixtures("with_tests")
def test_who_decodes_is_told_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFTLINE_S3_SECRET_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    names = result_of(task("environment")).decode().splitlines()
    assert "PATH" in names
    assert not [name for name in names if name.startswith(("LIFTLINE", "AWS"))]


def muxed_s(path: Path) -> float:
    """How long the rendered video is; its pictures are black."""
    of = plan(path)
    drawn, output = path.with_name("drawn.mp4"), path.with_name("muxed.mp4")
    with SegmentWriter(
        drawn, width_px=64, height_px=64, time_base=of.info.time_base, rate=of.info.average_rate
    ) as writer:
        for pts in of.pts:
            writer.write(np.zeros((64, 64, 3), np.uint8), pts=int(pts))
    segment = MuxSegment(drawn, np.arange(of.frame_count))
    mux([segment], plan=of, source=local_opener(path), output=output, stop=StopFlag())
    with av.open(str(output)) as container:
        return (container.duration or 0) / 1e6


def test_sound_is_cut_at_the_end_of_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "video.mkv"
    path.write_bytes(long_silence("silence.mkv", seconds=3600)(VideoFactory(tmp_path)))
    assert muxed_s(path) < 3


def test_sound_before_the_pictures_is_cut_as_well(tmp_path: Path) -> None:
    path = tmp_path / "video.mkv"
    path.write_bytes(long_silence("silence.mkv", seconds=3600, start_s=3600)(VideoFactory(tmp_path)))
    assert 10 < muxed_s(path) < 13


@pytest.mark.parametrize("name", ["silence.mkv", "silence.mp4"])
def test_sound_counts_in_the_longest_duration(name: str, tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(long_silence(name, seconds=600)(VideoFactory(tmp_path)))
    with pytest.raises(LimitExceededError, match=r"of sound long, the limit is 60 s"):
        plan(path, max_duration_s=60)
