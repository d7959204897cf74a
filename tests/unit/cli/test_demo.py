"""The demo measures its result against the truth, and draws its clip once."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from liftline import poses
from liftline.errors import Cancelled
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline_cli.console.reporting import ConsoleReporter
from liftline_demo.__main__ import compare, demo_clip
from liftline_demo.mannequin.clip import Clip, truth_path
from liftline_demo.mannequin.truth import truth_of
from liftline_demo.mannequin.view import View

TINY = Clip(frames=6, rate=Fraction(25), size_px=(96, 72))


@pytest.fixture
def truth() -> Poses:
    return truth_of([TINY.pose(frame) for frame in range(6)], View.of_the_walk(96, 72), rate=TINY.rate, video="w.mp4")


def test_the_truth_compared_with_itself_is_perfect(truth: Poses) -> None:
    accuracy = compare(truth, truth)
    assert accuracy.coverage == 1
    assert accuracy.mpjpe_mm == accuracy.keypoints_px == 0
    assert accuracy.p_mpjpe_mm == pytest.approx(0, abs=1e-3)


def test_errors_are_in_the_units_they_are_named_after(truth: Poses) -> None:
    moved = replace(
        truth,
        joints_m=truth.joints_m + np.array([0.03, 0, 0.04], np.float32),
        keypoints_px=truth.keypoints_px + np.array([3, 4], np.float32),
    )
    accuracy = compare(moved, truth)
    assert accuracy.mpjpe_mm == pytest.approx(50, abs=0.01)
    assert accuracy.p_mpjpe_mm == pytest.approx(0, abs=1e-2)
    assert accuracy.keypoints_px == pytest.approx(5, abs=1e-4)
    assert 0.05 < accuracy.keypoints_of_stature < 0.12


def test_interpolated_frames_do_not_count_as_found(truth: Poses) -> None:
    observed = truth.observed.copy()
    observed[:3] = False
    assert compare(replace(truth, observed=observed), truth).coverage == pytest.approx(0.5)


def test_nobody_found_is_no_coverage_and_no_error_figure(truth: Poses) -> None:
    nobody = replace(
        truth,
        track_ids=np.array([], np.int64),
        row_offsets=np.array([0]),
        **{
            name: getattr(truth, name)[:0]
            for name in ("frame_index", "joints_m", "root_cam_m", "keypoints_px", "keypoint_scores", "observed")
        },
    )
    accuracy = compare(nobody, truth)
    assert accuracy.coverage == 0
    assert np.isnan(accuracy.mpjpe_mm)


def test_the_clip_is_drawn_once(tmp_path: Path) -> None:
    reporter = ConsoleReporter(Console(), quiet=True)
    path = demo_clip(tmp_path, TINY, reporter, StopFlag())
    drawn = path.stat().st_mtime_ns
    assert demo_clip(tmp_path, TINY, reporter, StopFlag()) == path
    assert path.stat().st_mtime_ns == drawn
    assert demo_clip(tmp_path, replace(TINY, seed=1), reporter, StopFlag()) != path
    assert poses.load(truth_path(path)).video == path.name


def test_a_stopped_drawing_leaves_no_clip(tmp_path: Path) -> None:
    stop = StopFlag()
    stop.stop()
    with pytest.raises(Cancelled):
        demo_clip(tmp_path, TINY, ConsoleReporter(Console(), quiet=True), stop)
    assert not list(tmp_path.rglob("*.mp4"))
