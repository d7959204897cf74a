"""From landmarks to keypoints, boxes and the question who is who."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from liftline.skeletons import BLAZEPOSE33, COCO17, HALPE26_HANDS
from liftline_detector.blazepose import from_landmarks as subject
from tests.unit.detector.fake_models import Figure, landmarks

FRAME = {"width": 640, "height": 360}


def mirrored(pose):
    return replace(pose, points_px=pose.points_px[BLAZEPOSE33.mirrored])


def test_every_coco_joint_is_the_landmark_of_the_same_name():
    pose = landmarks(Figure(300, 180))
    numbered = replace(pose, points_px=np.repeat(np.arange(33, dtype=np.float32)[:, np.newaxis], 2, axis=1))
    xy, _ = subject.keypoints(numbered, **FRAME)
    assert [BLAZEPOSE33.joints[int(x)] for x in xy[: len(COCO17), 0]] == list(COCO17.joints)


def test_feet_and_hands_follow_and_what_blazepose_does_not_know_is_missing():
    pose = landmarks(Figure(300, 180))
    numbered = replace(pose, points_px=np.repeat(np.arange(33, dtype=np.float32)[:, np.newaxis], 2, axis=1))
    xy, scores = subject.keypoints(numbered, **FRAME)
    at = dict(zip(HALPE26_HANDS.joints, xy[:, 0], strict=True))
    given = {name: BLAZEPOSE33.joints[int(x)] for name, x in at.items() if np.isfinite(x)}
    for side in ("left", "right"):
        assert given[f"{side}_big_toe"] == f"{side}_foot_index"
        assert [given[f"{side}_{part}"] for part in ("heel", "thumb", "index", "pinky")] == [
            f"{side}_{part}" for part in ("heel", "thumb", "index", "pinky")
        ]
    missing = set(HALPE26_HANDS.joints) - set(given)
    assert missing == {"head", "neck", "hip", "left_small_toe", "right_small_toe"}
    assert not scores[HALPE26_HANDS.indices(*missing)].any()
    assert np.isnan(xy[HALPE26_HANDS.indices(*missing)]).all()
    assert scores[HALPE26_HANDS.index["left_heel"]] > 0


def test_left_joints_are_on_the_right_side_of_the_picture_of_somebody_facing_us():
    xy, _ = subject.keypoints(landmarks(Figure(300, 180)), **FRAME)
    assert np.all(xy[list(COCO17.left[2:]), 0] > xy[list(COCO17.right[2:]), 0])


def test_keypoints_off_the_image_keep_their_place_but_little_score():
    pose = landmarks(Figure(300, 330))
    xy, scores = subject.keypoints(pose, **FRAME)
    ankle, nose = COCO17.index["left_ankle"], COCO17.index["nose"]
    assert xy[ankle, 1] > FRAME["height"]
    assert scores[ankle] < 0.2 < scores[nose]


def test_hidden_or_absent_landmarks_score_low():
    pose = landmarks(Figure(300, 180))
    low = replace(pose, visibility=np.full(33, 0.1, np.float32))
    assert subject.keypoints(low, **FRAME)[1].max() <= 0.1


def test_the_box_holds_the_person_and_the_crown_and_stays_on_the_image():
    pose = landmarks(Figure(300, 180))
    x1, y1, x2, y2 = subject.box(pose, **FRAME)
    points = pose.points_px
    assert x1 < points[:, 0].min()
    assert x2 > points[:, 0].max()
    assert y1 < points[:, 1].min() - 10
    assert y2 > points[:, 1].max()
    cut = subject.box(landmarks(Figure(20, 340)), **FRAME)
    assert cut[0] == 0
    assert cut[3] == FRAME["height"]


def test_absent_landmarks_do_not_widen_the_box():
    pose = landmarks(Figure(300, 180))
    points, presence = pose.points_px.copy(), pose.presence.copy()
    points[15], presence[15] = (600, 20), 0.05
    assert subject.box(replace(pose, points_px=points, presence=presence), **FRAME)[2] < 400


def test_nobody_gives_an_empty_frame():
    assert len(subject.to_people([], **FRAME)) == 0


def test_a_person_scores_what_the_model_says():
    found = subject.to_people([landmarks(Figure(300, 180), flag=0.6)], **FRAME)
    np.testing.assert_allclose(found.scores, [0.6], rtol=1e-6)


def test_somebody_mostly_off_the_image_is_not_visible():
    assert subject.is_visible(landmarks(Figure(300, 180)), **FRAME)
    assert not subject.is_visible(landmarks(Figure(-200, 180)), **FRAME)


def test_a_body_with_its_sides_swapped_is_the_same_body():
    pose = landmarks(Figure(300, 180))
    assert subject.distance(pose, mirrored(pose)) == 0
    assert subject.distance(pose, landmarks(Figure(330, 180))) > 0.1


def test_a_small_pose_on_a_body_is_on_it_but_a_neighbour_is_not():
    pose = landmarks(Figure(300, 180, height=200))
    assert subject.is_on(landmarks(Figure(300, 160, height=90)), pose)
    assert not subject.is_on(landmarks(Figure(360, 180, height=200)), pose)


def test_two_poses_that_fill_one_box_are_in_the_same_place():
    pose = landmarks(Figure(300, 180))
    assert subject.same_place(pose, landmarks(Figure(305, 180)))
    assert not subject.same_place(pose, landmarks(Figure(330, 180)))
