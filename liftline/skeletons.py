"""Skeletons as values: the names of their joints, bones, sides, and the maps between them.

Sources: COCO keypoints (cocodataset.org, 17 joints, left first), Human3.6M-17 in VideoPose3D's order
(Pavllo et al., CVPR 2019), BlazePose's 33 landmarks (Bazarevsky et al., 2020).
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

KEYPOINT_SKELETONS: tuple[Skeleton, ...] = (COCO17,)
"""What detections and tracks may hold, and every stage that reads them knows."""

POSE_SKELETONS: tuple[Skeleton, ...] = (H36M17,)
"""What 3D poses may hold."""

BLAZEPOSE33_TO_COCO17: tuple[int, ...] = tuple(BLAZEPOSE33.index[name] for name in COCO17.joints)
"""For every COCO joint, the BlazePose landmark of the same name."""

LIMB_JOINTS: tuple[str, ...] = tuple(
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "foot") for side in ("left", "right")
)
"""The 12 Human3.6M-17 limb joints that every pose format shares: the set accuracy on real video is measured on."""


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
