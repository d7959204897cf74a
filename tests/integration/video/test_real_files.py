"""The real videos beside the checkout: counts and seams, so that what cameras and phones write is covered, too."""

from __future__ import annotations

import av
import numpy as np
import pytest

NAMES = [
    "football_juggle.mp4",
    "sprinters_far.mp4",
    "two_people_cam01.mp4",
    "walk_outdoor_vp9.mp4",
    "walk_side_view.mp4",
]

pytestmark = pytest.mark.shared_data


@pytest.mark.parametrize("name", NAMES)
def test_a_real_video_is_planned_as_libav_counts_it(name, shared_data, plan_of):
    path = shared_data / "videos" / name
    plan = plan_of(path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [p.pts for p in container.demux(stream) if p.size and not p.is_discard]
        assert plan.info.average_rate == stream.average_rate
    assert plan.pts.tolist() == sorted(packets)
    assert plan.exact_times
    assert not plan.warnings
    assert plan.info.duration_s == pytest.approx(plan.frame_count / plan.info.average_rate, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_seam_in_a_real_video_is_invisible(name, shared_data, plan_of, read):
    path = shared_data / "videos" / name
    plan = plan_of(path, segment_s=0.4)
    seam = plan.segments[len(plan.segments) // 2].start
    across = read(path, plan, seam - 3, seam + 3)
    apart = [*read(path, plan, seam - 3, seam), *read(path, plan, seam, seam + 3)]
    assert [frame.index for frame in across] == list(range(seam - 3, seam + 3))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(across, apart, strict=True))
