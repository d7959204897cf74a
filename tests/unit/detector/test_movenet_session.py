"""Who is reported where two models find people and one of them reads everyone."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.skeletons import HALPE26_HANDS
from liftline_detector.movenet.options import MoveNetOptions
from tests.unit.detector.fake_models import Figure, frame
from tests.unit.detector.fake_movenet import movenet

STANDING, OTHER = Figure(200, 180), Figure(450, 180)


def hips(people) -> list[list[int]]:
    """x of everyone's hips in each frame."""
    return [sorted(round(float(x)) for x in p.keypoints_px[:, [11, 12], 0].mean(axis=1)) for p in people]


def test_somebody_whom_both_see_is_reported_at_once_with_feet_and_hands():
    session, _, _ = movenet(lambda _: [STANDING])
    (people,) = session.detect([frame(0)])
    assert hips([people]) == [[200]]
    assert people.skeleton is HALPE26_HANDS
    found = np.isfinite(people.keypoints_px[0]).all(axis=1)
    names = [name for name, there in zip(HALPE26_HANDS.joints, found, strict=True) if not there]
    assert names == ["head", "neck", "hip", "left_small_toe", "right_small_toe"]
    assert (people.keypoint_scores[0][~found] == 0).all()


def test_somebody_whom_blazepose_misses_is_found_and_reported_from_the_third_frame_on():
    session, _, _ = movenet(lambda _: [STANDING, OTHER], blazepose_sees=lambda _: [STANDING])
    assert hips(session.detect([frame(i) for i in range(5)])) == [[200], [200], *[[200, 450]] * 3]


def test_somebody_whom_blazepose_loses_is_followed_on():
    def seen(number):
        return [Figure(200 + 4 * number, 180)] if number < 5 else []

    session, _, _ = movenet(lambda n: [Figure(200 + 4 * n, 180)], blazepose_sees=seen)
    assert hips(session.detect([frame(i) for i in range(20)])) == [[200 + 4 * i] for i in range(20)]


def test_whoever_leaves_is_no_longer_reported():
    session, _, _ = movenet(lambda n: [STANDING] if n < 5 else [])
    assert hips(session.detect([frame(i) for i in range(10)]))[5:] == [[]] * 5


def test_what_only_blazepose_takes_for_a_person_is_nobody():
    session, _, _ = movenet(lambda _: [Figure(200, 180, real=False)], blazepose_sees=lambda _: [STANDING])
    assert hips(session.detect([frame(i) for i in range(20)])) == [[]] * 20


def test_what_thunder_hardly_sees_is_nobody():
    session, _, _ = movenet(lambda _: [STANDING], blazepose_sees=lambda _: [], score=0.2)
    assert hips(session.detect([frame(i) for i in range(10)])) == [[]] * 10


@pytest.mark.parametrize(("threshold", "reported"), [(0.4, [200]), (0.9, [])])
def test_people_below_the_threshold_are_not_reported(threshold, reported):
    session, _, _ = movenet(lambda _: [STANDING], score=0.5, options=MoveNetOptions(score_threshold=threshold))
    assert hips(session.detect([frame(0)])) == [reported]


def test_one_person_is_read_once_a_frame():
    session, reader, _ = movenet(lambda _: [STANDING])
    session.detect([frame(0)])
    before = len(reader.squares)
    session.detect([frame(i) for i in range(1, 10)])
    assert len(reader.squares) - before == 9


def test_the_second_finder_rests_between_its_turns():
    session, _, finder = movenet(lambda _: [STANDING])
    session.detect([frame(0)])
    before = len(finder.views)
    session.detect([frame(i) for i in range(1, 31)])
    assert 2 <= len(finder.views) - before <= 5


def test_one_who_stands_behind_another_is_read_with_the_other_painted_over():
    behind = Figure(215, 180)
    session, reader, _ = movenet(lambda _: [STANDING, behind])
    people = session.detect([frame(i) for i in range(5)])
    assert hips(people)[-1] == [200, 215]
    assert max(reader.hidden) == 1


def test_batches_make_no_difference():
    one, _, _ = movenet(lambda n: [Figure(200 + 4 * n, 180)])
    other, _, _ = movenet(lambda n: [Figure(200 + 4 * n, 180)])
    frames = [frame(i) for i in range(6)]
    assert hips(one.detect(frames)) == hips([other.detect([f])[0] for f in frames])
