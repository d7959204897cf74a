"""Skeletons as values: the names of their joints, bones, sides, and the maps between them.

Sources: COCO keypoints (cocodataset.org, 17 joints, left first), Halpe's 26 body keypoints (Fang et al., 2022),
COCO-WholeBody's 133 (Jin et al., ECCV 2020), Human3.6M-17 in VideoPose3D's order (Pavllo et al., CVPR 2019),
BlazePose's 33 landmarks (Bazarevsky et al., 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidArtifactError


@dataclass(frozen=True)
class Skeleton:
    """A named joint set.

    `edges` are pairs of joint indices to draw; `parents` is the kinematic tree (-1 for the root), empty where
    the joint set is no tree; `left` and `right` list joints so that `left[i]` mirrors `right[i]`.
    """

    name: str
    joints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    parents: tuple[int, ...] = ()
    index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise ValueError where sides or parents don't fit the joints."""
        if len(self.left) != len(self.right):
            raise ValueError(f"{self.name}: {len(self.left)} left joints but {len(self.right)} right ones")
        if self.parents and len(self.parents) != len(self.joints):
            raise ValueError(f"{self.name}: {len(self.parents)} parents for {len(self.joints)} joints")
        names = {name: i for i, name in enumerate(self.joints)}
        object.__setattr__(self, "index", MappingProxyType(names))

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.joints)

    @property
    def mirrored(self) -> NDArray[np.intp]:
        """(J,) permutation that swaps left and right joints."""
        order = np.arange(len(self.joints))
        order[list(self.left)], order[list(self.right)] = self.right, self.left
        return order

    def indices(self, *names: str) -> list[int]:
        """Indices of the joints of these names. Raises KeyError."""
        return [self.index[name] for name in names]


COCO17 = Skeleton(
    name="coco17",
    joints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    ),
    edges=(
        (0, 1), (0, 2), (1, 3), (2, 4), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
        (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    ),
    left=(1, 3, 5, 7, 9, 11, 13, 15),
    right=(2, 4, 6, 8, 10, 12, 14, 16),
)  # fmt: skip

_FEET_AND_HANDS = ("big_toe", "small_toe", "heel", "thumb", "index", "pinky")

HALPE26_HANDS = Skeleton(
    name="halpe26_hands",
    joints=(
        *COCO17.joints,
        "head", "neck", "hip", *(f"{side}_{part}" for part in _FEET_AND_HANDS for side in ("left", "right")),
    ),
    edges=(
        *COCO17.edges, (17, 18), (18, 19),
        (15, 24), (24, 20), (20, 22), (16, 25), (25, 21), (21, 23),
        (9, 26), (9, 28), (9, 30), (10, 27), (10, 29), (10, 31),
    ),
    left=(*COCO17.left, 20, 22, 24, 26, 28, 30),
    right=(*COCO17.right, 21, 23, 25, 27, 29, 31),
)  # fmt: skip
"""HALPE_26 (COCO-17 first, then top of the head, neck, mid hip, feet) and three points of each hand: the thumb's
second knuckle, the first ones of index and little finger (pinky)."""

LIMB_ENDS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {("knee", "ankle"): ("big_toe", "small_toe", "heel"), ("elbow", "wrist"): ("thumb", "index", "pinky")}
)
"""What of HALPE26_HANDS, beyond COCO-17, goes with each limb, which is given by its middle and its end."""

HALPE26 = Skeleton(
    name="halpe26",
    joints=HALPE26_HANDS.joints[:26],
    edges=tuple(edge for edge in HALPE26_HANDS.edges if max(edge) < 26),
    left=tuple(joint for joint in HALPE26_HANDS.left if joint < 26),
    right=tuple(joint for joint in HALPE26_HANDS.right if joint < 26),
)

_H36M17_PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)

H36M17 = Skeleton(
    name="h36m17",
    joints=(
        "hip", "right_hip", "right_knee", "right_foot", "left_hip", "left_knee", "left_foot",
        "spine", "thorax", "neck", "head",
        "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
    ),
    edges=tuple((parent, joint) for joint, parent in enumerate(_H36M17_PARENTS) if parent >= 0),
    left=(4, 5, 6, 11, 12, 13),
    right=(1, 2, 3, 14, 15, 16),
    parents=_H36M17_PARENTS,
)  # fmt: skip

BLAZEPOSE33 = Skeleton(
    name="blazepose33",
    joints=(
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        "left_ear", "right_ear", "mouth_left", "mouth_right",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
        "left_heel", "right_heel", "left_foot_index", "right_foot_index",
    ),
    edges=(
        (11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24),
        (23, 25), (25, 27), (24, 26), (26, 28), (27, 29), (29, 31), (28, 30), (30, 32),
    ),
    left=(1, 2, 3, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31),
    right=(4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32),
)  # fmt: skip

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")

COCO_WHOLEBODY133_JOINTS: tuple[str, ...] = (
    *COCO17.joints,
    *(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")),
    *(f"face-{i}" for i in range(68)),
    *(
        f"{side}_{part}"
        for side in ("left", "right")
        for part in ("hand_root", *(f"{finger}{knuckle}" for finger in _FINGERS for knuckle in range(1, 5)))
    ),
)
"""COCO-WholeBody's 133 names in its order: each foot by itself, then the face, then each hand."""

_FEET_AND_HANDS_3D = ("heel", "big_toe", "small_toe", "thumb", "index", "pinky")

H36M17_FEET_HANDS = Skeleton(
    name="h36m17_feet_hands",
    joints=(
        *H36M17.joints,
        *(f"{side}_{part}" for part in _FEET_AND_HANDS_3D for side in ("left", "right")),
    ),
    edges=(
        *H36M17.edges, (6, 17), (3, 18), (17, 19), (18, 20), (17, 21), (18, 22),
        (13, 23), (16, 24), (13, 25), (16, 26), (13, 27), (16, 28),
    ),
    left=(*H36M17.left, 17, 19, 21, 23, 25, 27),
    right=(*H36M17.right, 18, 20, 22, 24, 26, 28),
    parents=(*H36M17.parents, 6, 3, 6, 3, 6, 3, 13, 16, 13, 16, 13, 16),
)  # fmt: skip
"""Human3.6M-17 first, as VideoPose3D's users expect; then heels, big toes, small toes and the hands' knuckles."""

KEYPOINT_SKELETONS: tuple[Skeleton, ...] = (COCO17, HALPE26_HANDS)
"""What detections and tracks may hold. All begin with COCO-17, the only ones that the stages lean on."""

POSE_SKELETONS: tuple[Skeleton, ...] = (H36M17, H36M17_FEET_HANDS)
"""What 3D poses may hold; all begin with Human3.6M-17."""

BLAZEPOSE33_TO_COCO17: tuple[int, ...] = tuple(BLAZEPOSE33.index[name] for name in COCO17.joints)
"""For every COCO joint, the BlazePose landmark of the same name."""


def _sources(joints: Sequence[str], other_names: Mapping[str, str]) -> tuple[int, ...]:
    """Where in `joints` each joint of HALPE26_HANDS stands, under its own name or its other one; -1: nowhere."""
    names = (other_names.get(name, name) for name in HALPE26_HANDS.joints)
    return tuple(joints.index(name) if name in joints else -1 for name in names)


BLAZEPOSE33_TO_HALPE26_HANDS: tuple[int, ...] = _sources(
    BLAZEPOSE33.joints, {f"{side}_big_toe": f"{side}_foot_index" for side in ("left", "right")}
)
"""For every joint of HALPE26_HANDS, BlazePose's landmark; -1 for head, neck, hip and small toes, which it has not."""

HALPE26_TO_HALPE26_HANDS: tuple[int, ...] = _sources(HALPE26.joints, {})
"""For every joint of HALPE26_HANDS, Halpe's; -1 for the hands."""

COCO17_TO_HALPE26_HANDS: tuple[int, ...] = _sources(COCO17.joints, {})
"""For every joint of HALPE26_HANDS, COCO's; -1 for all but the first 17."""

COCO_WHOLEBODY133_TO_HALPE26_HANDS: tuple[int, ...] = _sources(
    COCO_WHOLEBODY133_JOINTS,
    {
        f"{side}_{ours}": f"{side}_{theirs}"
        for side in ("left", "right")
        for ours, theirs in (("thumb", "thumb2"), ("index", "forefinger1"), ("pinky", "pinky_finger1"))
    },
)
"""For every joint of HALPE26_HANDS, COCO-WholeBody's; -1 for head, neck and hip."""

LIMB_JOINTS: tuple[str, ...] = tuple(
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "foot") for side in ("left", "right")
)
"""The 12 Human3.6M-17 limb joints that every pose format shares: the set accuracy on real video is measured on."""


def remap_joints(values: NDArray[np.floating], sources: Sequence[int], *, missing: float) -> NDArray[np.floating]:
    """`values` (N, J) or (N, J, D) in another order: out[:, i] = values[:, sources[i]], `missing` where that is -1."""
    order = np.asarray(sources)
    out = values[:, order]
    out[:, order < 0] = missing
    return out


def pose_skeleton(joints: int) -> Skeleton:
    """The one of `POSE_SKELETONS` with so many joints. Raises ValueError where there is none."""
    for skeleton in POSE_SKELETONS:
        if len(skeleton) == joints:
            return skeleton
    raise ValueError(f"no skeleton of 3D poses has {joints} joints")


def stored_skeleton(name: object, *, known: Sequence[Skeleton], file: str) -> Skeleton:
    """The skeleton whose name a file holds. Raises InvalidArtifactError where it is none of the `known` ones."""
    for skeleton in known:
        if skeleton.name == name:
            return skeleton
    found = "doesn't say of which skeleton its joints are" if name is None else f"holds joints of the skeleton '{name}'"
    names = " or ".join(skeleton.name for skeleton in known)
    raise InvalidArtifactError(
        f"{file}: {found}, expected {names}; use the Liftline version that wrote it, or make the file again."
    )
