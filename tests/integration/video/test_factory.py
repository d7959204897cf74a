"""Making test videos must not change how the tests after it run."""

from __future__ import annotations

import os

from tests.integration.video.factory import VideoFactory


def test_making_av1_leaves_the_scheduling_as_it_was(tmp_path):
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    assert VideoFactory(tmp_path)("clip.mkv", codec="libsvtav1", frames=3).stat().st_size > 0
    assert (os.sched_getscheduler(0), os.sched_getparam(0)) == before
