import numpy as np
import pytest

from liftline.skeletons import (
    BLAZEPOSE33,
    BLAZEPOSE33_TO_HALPE26_HANDS,
    COCO17,
    COCO17_TO_HALPE26_HANDS,
    COCO_WHOLEBODY133_JOINTS,
    COCO_WHOLEBODY133_TO_HALPE26_HANDS,
    HALPE26,
    HALPE26_HANDS,
    HALPE26_TO_HALPE26_HANDS,
    Skeleton,
    remap_joints,
)


def test_the_feet_and_hands_follow_cocos_17_joints_in_halpes_order() -> None:
    assert HALPE26_HANDS.joints[:17] == COCO17.joints
    assert HALPE26_HANDS.joints[17:] == (
        "head", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
        "left_heel", "right_heel", "left_thumb", "right_thumb", "left_index", "right_index",
        "left_pinky", "right_pinky",
    )  # fmt: skip
    assert HALPE26_HANDS.edges[: len(COCO17.edges)] == COCO17.edges


@pytest.mark.parametrize("skeleton", [COCO17, HALPE26, HALPE26_HANDS], ids=lambda skeleton: skeleton.name)
def test_left_and_right_are_mirrored_by_name_and_every_bone_has_a_mirrored_one(skeleton: Skeleton) -> None:
    swapped = [name.replace("left", "L").replace("right", "left").replace("L", "right") for name in skeleton.joints]
    assert [skeleton.joints[i] for i in skeleton.mirrored] == swapped
    bones = {frozenset(edge) for edge in skeleton.edges}
    assert {frozenset(int(skeleton.mirrored[joint]) for joint in bone) for bone in bones} == bones


def test_every_model_s_points_find_their_places() -> None:
    def found(sources: tuple[int, ...], joints: tuple[str, ...]) -> dict[str, str]:
        return {HALPE26_HANDS.joints[to]: joints[at] for to, at in enumerate(sources) if at >= 0}

    from_blazepose = found(BLAZEPOSE33_TO_HALPE26_HANDS, BLAZEPOSE33.joints)
    assert set(HALPE26_HANDS.joints) - set(from_blazepose) == {
        "head", "neck", "hip", "left_small_toe", "right_small_toe",
    }  # fmt: skip
    assert from_blazepose["left_big_toe"] == "left_foot_index"
    assert all(to == at for to, at in from_blazepose.items() if not to.endswith("big_toe"))

    assert found(HALPE26_TO_HALPE26_HANDS, HALPE26.joints) == {name: name for name in HALPE26.joints}
    assert found(COCO17_TO_HALPE26_HANDS, COCO17.joints) == {name: name for name in COCO17.joints}

    from_wholebody = found(COCO_WHOLEBODY133_TO_HALPE26_HANDS, COCO_WHOLEBODY133_JOINTS)
    assert set(HALPE26_HANDS.joints) - set(from_wholebody) == {"head", "neck", "hip"}
    assert [COCO_WHOLEBODY133_TO_HALPE26_HANDS[HALPE26_HANDS.index[name]] for name in (
        "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
        "left_thumb", "left_index", "left_pinky", "right_thumb", "right_index", "right_pinky",
    )] == [17, 18, 19, 20, 21, 22, 93, 96, 108, 114, 117, 129]  # fmt: skip
    assert from_wholebody["right_pinky"] == "right_pinky_finger1"
    assert len(COCO_WHOLEBODY133_JOINTS) == 133


def test_points_that_a_model_has_not_are_missing() -> None:
    landmarks = np.arange(2 * 33 * 2, dtype=np.float32).reshape(2, 33, 2)
    moved = remap_joints(landmarks, BLAZEPOSE33_TO_HALPE26_HANDS, missing=np.nan)
    assert np.isnan(moved[:, HALPE26_HANDS.index["head"]]).all()
    heel = moved[:, HALPE26_HANDS.index["left_heel"]]
    np.testing.assert_array_equal(heel, landmarks[:, BLAZEPOSE33.index["left_heel"]])
    scores = remap_joints(landmarks[..., 0], BLAZEPOSE33_TO_HALPE26_HANDS, missing=0)
    assert scores.shape == (2, len(HALPE26_HANDS))
    assert not scores[:, HALPE26_HANDS.index["neck"]].any()
