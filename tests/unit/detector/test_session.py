"""People are followed, lost, found again and told apart, whatever the models behind it are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.skeletons import BLAZEPOSE33, COCO17
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.blazepose.session import BlazePoseSession
from tests.unit.detector.fake_models import (
    HEIGHT,
    WIDTH,
    FakeLandmarks,
    FakePersonDetector,
    Figure,
    centres,
    frame,
    session,
)

STANDING = Figure(300, 180)


def test_somebody_in_the_first_frame_is_reported_in_every_frame():
    assert centres(lambda _: [STANDING], 10) == [[(300, 180)]] * 10


def test_a_followed_person_costs_one_landmark_call_per_frame():
    run, _, poses = session(lambda _: [STANDING], probe_every_s=100)
    run.detect([frame(0)])
    before = poses.calls
    run.detect([frame(i) for i in range(1, 10)])
    assert poses.calls - before == 9


class TakesTheOthersWrist(FakeLandmarks):
    """Puts a wrist elsewhere when it is shown the picture as it is; in a mirror it sees well."""

    def find(self, rgb, region, *, hidden=(), mirrored=False):
        pose = super().find(rgb, region, hidden=hidden)
        if mirrored:
            return pose
        points = pose.points_px.copy()
        points[BLAZEPOSE33.index["left_wrist"]] += 40
        return replace(pose, points_px=points)


TWO = [STANDING, Figure(400, 180)]


@pytest.mark.parametrize(
    ("scene", "from_px", "trusted"), [([STANDING], 100, True), (TWO, 100, False), (TWO, 300, True)]
)
def test_a_keypoint_that_only_one_look_confirms_is_not_trusted_where_large_people_are_near(scene, from_px, trusted):
    options = BlazePoseOptions(confirmed_from_px=from_px)
    run = BlazePoseSession(FakePersonDetector(lambda _: scene), TakesTheOthersWrist(lambda _: scene), options)
    people = run.detect([frame(i) for i in range(5)])[-1]
    assert len(people.scores) == len(scene)
    wrist, knee = COCO17.indices("left_wrist", "left_knee")
    assert (people.keypoint_scores[:, wrist] > 0.9).all() == trusted
    assert (people.keypoint_scores[:, knee] > 0.9).all()


@pytest.mark.parametrize(("scene", "from_px", "looks"), [([STANDING], 100, 0), (TWO, 100, 2), (TWO, 300, 0)])
def test_large_people_near_each_other_are_looked_at_twice(scene, from_px, looks):
    options = BlazePoseOptions(confirmed_from_px=from_px)
    finder = TakesTheOthersWrist(lambda _: scene)
    run = BlazePoseSession(FakePersonDetector(lambda _: scene), finder, options)
    people = [run.follow(frame(i)) for i in range(5)][-1]
    assert len(people) == len(scene)
    wrist = BLAZEPOSE33.index["left_wrist"]
    seen = [run.looked_twice(frame(5), person.pose) for person in people]
    doubted = [pose.visibility[wrist] < 0.5 for pose in seen]
    assert sum(doubted) == looks


def test_the_person_detector_rests_between_its_turns():
    run, detector, _ = session(lambda _: [STANDING], full_view_every_s=0.4, small_view_every_s=0.1)
    run.detect([frame(i) for i in range(31)])
    later = [view for number, view in detector.views if number > 0]
    assert 10 <= len(later) <= 14


def test_a_walker_is_followed():
    found = centres(lambda i: [Figure(100 + 8 * i, 180)], 40)
    assert found == [[(100 + 8 * i, 180)] for i in range(40)]


def test_whoever_leaves_is_no_longer_reported():
    assert centres(lambda i: [STANDING] if i < 5 else [], 10)[5:] == [[]] * 5


def test_nobody_gives_empty_frames():
    assert centres(lambda _: [], 5) == [[]] * 5


def test_somebody_who_jumps_out_of_their_region_is_found_in_the_same_frame():
    found = centres(lambda i: [STANDING if i < 10 else Figure(380, 180)], 12)
    assert found[10:] == [[(380, 180)]] * 2


def test_somebody_hidden_for_a_moment_is_found_again_where_they_were():
    found = centres(lambda i: [] if 10 <= i < 20 else [STANDING], 22, full_view_every_s=100)
    assert found[20:] == [[(300, 180)]] * 2


def test_a_newcomer_beside_somebody_is_found_within_the_interval_of_the_full_view():
    found = centres(lambda i: [STANDING, Figure(500, 180)] if i >= 3 else [STANDING], 20, full_view_every_s=0.4)
    assert found[15] == [(300, 180), (500, 180)]


def test_somebody_too_small_for_the_full_view_is_found_in_a_tile():
    assert 60 / WIDTH < 0.2 < 60 / HEIGHT * 2
    assert centres(lambda _: [Figure(500, 100, height=60)], 2, smallest_tile_px=100) == [[(500, 100)]] * 2


def test_a_small_newcomer_is_found_when_the_round_of_tiles_comes_by():
    small = Figure(560, 100, height=60)
    found = centres(lambda i: [STANDING, small] if i >= 1 else [STANDING], 90, smallest_tile_px=100)
    assert found[-1] == [(300, 180), (560, 100)]


def test_two_regions_on_one_body_are_one_person():
    def merging(i):
        return [Figure(300, 180), Figure(300 + max(0, 60 - 6 * i), 180)]

    found = centres(merging, 20)
    assert len(found[0]) == 2
    assert found[-1] == [(300, 180)]


def test_somebody_behind_another_is_found_by_painting_over_the_one_in_front():
    found = centres(lambda i: [STANDING, Figure(340 if i < 3 else 316, 180)], 6)
    assert found[-1] == [(300, 180), (316, 180)]


def test_no_more_than_the_greatest_number_of_people():
    crowd = [Figure(60 + 70 * k, 180) for k in range(8)]
    assert {len(p) for p in centres(lambda _: crowd, 20, max_people=3)} == {3}


def test_what_looks_like_a_person_in_one_region_only_is_never_reported():
    assert centres(lambda _: [Figure(300, 180, real=False)], 60) == [[]] * 60


def test_somebody_who_turns_into_a_look_alike_is_dropped_after_a_while():
    found = centres(lambda i: [Figure(300, 180, real=i < 10)], 100, forget_after_s=1.0, probe_every_s=0.2)
    assert found[20] == [(300, 180)]
    assert found[-1] == []


def test_sessions_remember_nothing_of_each_other():
    first, _, _ = session(lambda _: [STANDING])
    first.detect([frame(0)])
    second, detector, _ = session(lambda _: [STANDING])
    second.detect([frame(1)])
    assert len(detector.views) > 1


@pytest.mark.parametrize("size", [1, 3, 10])
def test_results_do_not_depend_on_how_frames_are_batched(size):
    def scene(i):
        return [Figure(100 + 5 * i, 180), Figure(500 - 5 * i, 180)]

    whole = session(scene)[0].detect([frame(i) for i in range(20)])
    run = session(scene)[0]
    parts = [
        p for start in range(0, 20, size) for p in run.detect([frame(i) for i in range(start, min(start + size, 20))])
    ]
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one.keypoints_px, other.keypoints_px)
