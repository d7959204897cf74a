"""What was seen is drawn where it was seen, with feet and hands; what is missing isn't."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.skeletons import COCO17, HALPE26_HANDS, Skeleton
from liftline_renderer.drawing.frame_poses import FrameKeypoints
from liftline_renderer.drawing.keypoint_overlay import MIN_SCORE, KeypointOverlay
from liftline_renderer.drawing.palette import LEFT, RIGHT, person_colours

GREY, SIDE_PX = 120, 720
PLACES_PX = {
    "shoulder": (60, 200), "elbow": (110, 290), "wrist": (130, 370), "hip": (45, 380), "knee": (50, 500),
    "ankle": (50, 610), "eye": (12, 130), "ear": (25, 135), "heel": (45, 640), "big_toe": (110, 650),
    "small_toe": (125, 640), "thumb": (110, 400), "index": (135, 415), "pinky": (150, 410),
}  # fmt: skip
"""From the middle to the side, and down, for somebody who faces us: their left is right in the picture."""


def standing(skeleton: Skeleton = HALPE26_HANDS) -> NDArray[np.float64]:
    """(1,J,2) someone in the middle of a square picture; no head, neck and hip, as of BlazePose."""
    points = np.full((1, len(skeleton), 2), np.nan)
    points[0, 0] = SIDE_PX / 2, 145
    for part, (beside, down) in PLACES_PX.items():
        for side, sign in (("left", 1), ("right", -1)):
            if f"{side}_{part}" in skeleton.index:
                points[0, skeleton.index[f"{side}_{part}"]] = SIDE_PX / 2 + sign * beside, down
    return points


def draw(
    points: NDArray[np.float64], scores: NDArray[np.float64] | None = None, *, skeleton: Skeleton = HALPE26_HANDS,
    scale: float = 1.0, track: int = 2,
) -> NDArray[np.uint8]:  # fmt: skip
    image = np.full((round(SIDE_PX * scale), round(SIDE_PX * scale), 3), GREY, np.uint8)
    given = np.where(np.isfinite(points).all(axis=-1), 0.9, 0.0) if scores is None else scores
    KeypointOverlay(skeleton, scale).draw(image, FrameKeypoints(np.arange(len(points)) + track, points, given))
    return image


def changed(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(image.astype(int) - GREY).max(axis=2) > 8)


def between(first: str, second: str) -> tuple[int, int]:
    points = standing()[0]
    x, y = points[HALPE26_HANDS.indices(first, second)].mean(axis=0).astype(int)
    return int(y), int(x)


@pytest.mark.parametrize(("side", "row"), [("left", LEFT), ("right", RIGHT)])
@pytest.mark.parametrize(
    ("first", "second"),
    [("hip", "knee"), ("shoulder", "elbow"), ("ankle", "heel"), ("heel", "big_toe"), ("wrist", "index")],
)
def test_bones_of_limbs_feet_and_hands_have_the_colour_of_their_side(
    first: str, second: str, side: str, row: int
) -> None:
    colour = draw(standing())[between(f"{side}_{first}", f"{side}_{second}")].astype(float)
    own, other = person_colours(2).sides[[row, 1 - row]]
    assert np.linalg.norm(colour - own) < 40 < np.linalg.norm(colour - other)


def test_the_bones_of_feet_are_thinner_than_those_of_legs() -> None:
    image = changed(draw(standing()))
    (knee_row, knee_column), (toe_row, toe_column) = (
        between("left_knee", "left_ankle"), between("left_heel", "left_big_toe"),
    )  # fmt: skip
    shin = image[knee_row, knee_column - 30 : knee_column + 30].sum()
    sole = image[toe_row - 12 : toe_row + 7, toe_column].sum()
    assert 0 < sole < 0.75 * shin


def test_missing_and_hardly_scored_points_are_not_drawn_nor_bones_that_end_in_them() -> None:
    points, scores = standing(), np.full((1, len(HALPE26_HANDS)), 0.9)
    assert not np.isfinite(points[0, HALPE26_HANDS.indices("head", "neck", "hip")]).any()
    points[0, HALPE26_HANDS.index["left_big_toe"]] = np.nan
    scores[0, HALPE26_HANDS.index["right_elbow"]] = MIN_SCORE / 2
    image = changed(draw(points, scores))
    assert not image[between("left_heel", "left_big_toe")]
    assert not image[between("right_elbow", "right_wrist")]
    assert not image[between("right_elbow", "right_shoulder")]
    assert image[between("right_heel", "right_big_toe")]
    assert not image[:20].any()


def test_somebody_with_cocos_keypoints_alone_has_no_feet() -> None:
    image = changed(draw(standing(COCO17), skeleton=COCO17))
    assert image[between("left_knee", "left_ankle")]
    assert not image[between("left_heel", "left_big_toe")]


def test_a_smaller_picture_shows_the_same_person_smaller() -> None:
    large, small = changed(draw(standing())), changed(draw(standing(), scale=0.5))
    rows, columns = np.nonzero(large)
    rows_small, columns_small = np.nonzero(small)
    assert rows_small.max() == pytest.approx(rows.max() / 2, abs=4)
    assert columns_small.min() == pytest.approx(columns.min() / 2, abs=4)


def test_nobody_and_somebody_wholly_missing_leave_the_picture_as_it_was() -> None:
    assert not changed(draw(standing()[:0])).any()
    assert not changed(draw(np.full_like(standing(), np.nan))).any()
    assert not changed(draw(standing() + 1e7)).any()


def test_larger_people_are_drawn_over_smaller_ones() -> None:
    near, far = standing()[0], standing()[0] * 0.6 + 0.4 * SIDE_PX / 2
    pictures = [draw(np.stack(order), track=2) for order in ((near, far), (far, near))]
    own = [person_colours(track).sides[LEFT] for track in (2, 3)]
    at = between("left_hip", "left_knee")
    for picture, colour in zip(pictures, own, strict=True):
        assert np.linalg.norm(picture[at] - colour) < 40
