"""Every kind of odd or broken video in the table becomes what the table says."""

from __future__ import annotations

import numpy as np
import pytest
import structlog

from liftline import plan as plans
from liftline.errors import ExitCode, InvalidVideoError
from tests.integration.video.broken_table import BROKEN, DAMAGED, HOLED, overwrite
from tests.integration.video.broken_videos import changed
from tests.integration.video.factory import QUADRANTS
from tests.integration.video.odd_table import ODD, SEGMENT_S


def assert_colours(rgb, tolerance):
    height, width = rgb.shape[:2]
    for (name, colour), (y, x) in zip(QUADRANTS.items(), ((1, 1), (1, 5), (5, 1), (5, 5)), strict=True):
        found = rgb[y * height // 6, x * width // 6].astype(int)
        assert np.abs(found - colour).max() <= tolerance, f"{name}: expected {colour}, found {found.tolist()}"


def assert_planned(plan, odd):
    times_s = np.arange(odd.frames) / odd.rate if odd.times_s is None else odd.times_s
    assert plan.frame_count == odd.frames
    assert plan.exact_times == odd.exact
    assert plan.frame_times_s == pytest.approx(times_s, abs=1e-3)
    assert plan.info.duration_s >= plan.frame_times_s[-1]
    assert (plan.info.width_px, plan.info.height_px) == odd.size
    assert odd.pixels in (None, plan.info.pixel_format)
    assert len(plan.segments) == odd.segments
    assert len(plan.warnings) == len(odd.warns), plan.warnings
    for sentence, phrase in zip(plan.warnings, odd.warns, strict=True):
        assert phrase in sentence
        assert sentence.startswith(plan.info.name)


USED = ODD | DAMAGED


@pytest.mark.parametrize("kind", USED)
def test_an_odd_video_is_planned_and_read_as_the_table_says(kind, make_video, plan_of, read, number_in, tmp_path):
    odd = USED[kind]
    path = odd.make(make_video)
    plan = plan_of(path, segment_s=SEGMENT_S)
    assert_planned(plan, odd)
    plans.save(tmp_path / "plan.npz", plan)
    assert plans.load(tmp_path / "plan.npz").info == plan.info
    with structlog.testing.capture_logs() as logged:
        frames = read(path, plan)
    assert tuple(entry["event"] for entry in logged) == odd.logs
    assert [frame.index for frame in frames] == list(range(odd.frames))
    assert {frame.rgb.shape for frame in frames} == {(odd.size[1], odd.size[0], 3)}
    if odd.shows is not None:
        assert [number_in(frame.rgb) for frame in frames] == list(odd.shows or range(odd.frames))
    if odd.tolerance is not None:
        assert_colours(frames[-1].rgb, odd.tolerance)
    last = plan.segments[-1]
    apart = {frame.index: frame.rgb for frame in read(path, plan, last.start, last.stop)}
    whole = {frame.index: frame.rgb for frame in frames if frame.index >= last.start}
    assert apart.keys() == whole.keys()
    assert all(np.array_equal(apart[index], whole[index]) for index in whole)


@pytest.mark.parametrize("kind", HOLED)
def test_the_frames_on_both_sides_of_a_hole_keep_their_places(kind, make_video, plan_of, read, number_in):
    path = changed(HOLED[kind], overwrite)(make_video)
    plan = plan_of(path, segment_s=SEGMENT_S)
    frames = read(path, plan)
    right = [number for frame in frames if (number := number_in(frame.rgb)) == round(frame.time_s * 30)]
    assert plan.exact_times
    assert {*range(12), *range(50, 60)} <= set(right)
    assert len(right) >= 36


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_video_is_refused_in_one_sentence(kind, make_video, plan_of):
    make, phrase = BROKEN[kind]
    path = make(make_video)
    with pytest.raises(InvalidVideoError) as caught:
        plan_of(path)
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    message = str(caught.value)
    assert phrase in message
    assert message.startswith(f"{path.name}: ")
    assert message.endswith(".")
    assert "\n" not in message


def test_the_table_is_long():
    assert len(USED) + len(HOLED) + len(BROKEN) >= 130
