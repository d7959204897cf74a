"""What tests of videos share: make one, plan it, read it, check what its pixels show."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.frames import Frame
from liftline.plan import Plan
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
from tests.integration.video import factory
from tests.integration.video.factory import QUADRANTS, Pictures, VideoFactory


@pytest.fixture
def stop() -> StopFlag:
    return StopFlag()


@pytest.fixture
def make_video(tmp_path: Path) -> VideoFactory:
    return VideoFactory(tmp_path)


@pytest.fixture
def plan_of(stop: StopFlag) -> Callable[..., Plan]:
    def plan(path: Path, **options: Any) -> Plan:
        return plan_video(local_opener(path), name=path.name, stop=stop, **options)

    return plan


@pytest.fixture
def read(stop: StopFlag) -> Callable[..., list[Frame]]:
    def frames(path: Path, plan: Plan, start: int = 0, stop_index: int | None = None, **options: Any) -> list[Frame]:
        last = plan.frame_count if stop_index is None else stop_index
        return list(read_frames(local_opener(path), plan, start=start, stop=last, stop_token=stop, **options))

    return frames


@pytest.fixture
def number_in() -> Callable[[NDArray[np.uint8]], int]:
    return factory.number_in


@pytest.fixture
def assert_upright() -> Callable[[NDArray[np.uint8]], None]:
    """Every quadrant has its colour, within a few levels."""

    def check(rgb: NDArray[np.uint8], tolerance: int = 6) -> None:
        height, width = rgb.shape[:2]
        for (name, colour), (y, x) in zip(QUADRANTS.items(), ((1, 1), (1, 5), (5, 1), (5, 5)), strict=True):
            found = rgb[y * height // 6, x * width // 6].astype(int)
            assert np.abs(found - colour).max() <= tolerance, f"{name}: expected {colour}, found {found.tolist()}"

    return check


@pytest.fixture
def packet_times() -> Callable[[Path], list[Fraction]]:
    """Presentation times of the video packets in seconds, straight from libav, sorted."""

    def times(path: Path) -> list[Fraction]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            found = [p.pts * p.time_base for p in container.demux(stream) if p.size and p.pts is not None]
        return sorted(found)

    return times


@pytest.fixture
def numbered_pictures() -> Callable[[int, int], Pictures]:
    """The function that draws picture n of a size."""
    return factory.numbered
