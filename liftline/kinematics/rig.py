"""A body of bones of constant length, its T-pose, and its motion as rotations: what animation programs work with.

The T-pose stands upright with y up, looking along z, so that its left is x: zero rotations are the T-pose. Joints are
humanoid ones, by the names that VRM and Unity have; which points of a 3D pose they are is in `POSE_JOINTS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.turns import Floats, interpolated, matrices

_SIDED = (
    ("shoulder", "upper_chest"), ("upper_arm", "{}_shoulder"), ("lower_arm", "{}_upper_arm"), ("hand", "{}_lower_arm"),
    ("upper_leg", "hips"), ("lower_leg", "{}_upper_leg"), ("foot", "{}_lower_leg"), ("toes", "{}_foot"),
)  # fmt: skip
_PARENTS: dict[str, str | None] = {
    "hips": None, "spine": "hips", "chest": "spine", "upper_chest": "chest", "neck": "upper_chest", "head": "neck",
    **{f"{side}_{name}": parent.format(side) for side in ("left", "right") for name, parent in _SIDED},
}  # fmt: skip

JOINTS: tuple[str, ...] = tuple(_PARENTS)
PARENTS: tuple[int, ...] = tuple(-1 if parent is None else JOINTS.index(parent) for parent in _PARENTS.values())
"""Each joint's parent stands before it; -1 for the hips."""

ENDS: tuple[str, ...] = ("head", "left_hand", "left_toes", "right_hand", "right_toes")
"""Joints at whose end no further one is."""

POSE_JOINTS: dict[str, str] = {
    "hips": "hip", "chest": "spine", "neck": "thorax", "head": "neck",
    **{
        f"{side}_{ours}": f"{side}_{theirs}"
        for side in ("left", "right")
        for ours, theirs in (
            ("upper_arm", "shoulder"), ("lower_arm", "elbow"), ("hand", "wrist"),
            ("upper_leg", "hip"), ("lower_leg", "knee"), ("foot", "foot"),
        )
    },
}  # fmt: skip
"""Joints of the rig that are where a joint of Human3.6M-17 is; the head's end is its "head"."""

INDEX: dict[str, int] = {name: i for i, name in enumerate(JOINTS)}


@dataclass(frozen=True)
class Rig:
    """Someone's bones in T-pose.

    offsets_m (J,3): each joint from its parent; the hips' is where they are above the floor. ends_m (E,3): the ends of
    `ENDS` from their joints.
    """

    offsets_m: Floats
    ends_m: Floats

    def __post_init__(self) -> None:
        """Raise ValueError for other shapes."""
        if self.offsets_m.shape != (len(JOINTS), 3) or self.ends_m.shape != (len(ENDS), 3):
            raise ValueError(f"a rig has {len(JOINTS)} joints and {len(ENDS)} ends, not {self.offsets_m.shape}")

    @property
    def joints_m(self) -> Floats:
        """(J,3) the joints in T-pose, feet on the floor."""
        out = self.offsets_m.copy()
        for joint, parent in enumerate(PARENTS):
            if parent >= 0:
                out[joint] += out[parent]
        return out


@dataclass(frozen=True)
class Motion:
    """A rig over T frames: times_s (T,), root_m (T,3) the hips in a world with y up, rotations (T,J,4).

    Rotations are unit quaternions w, x, y, z from the parent's axes to the joint's, without sign changes from frame to
    frame. seen (J,): False for joints whose turn nothing that was seen tells of; they don't turn.
    """

    rig: Rig
    times_s: NDArray[np.float64]
    root_m: Floats
    rotations: Floats
    seen: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.times_s)

    def placed(self) -> tuple[Floats, Floats, Floats]:
        """Forward kinematics: (T,J,3) joints, (T,E,3) ends, (T,J,3,3) axes in the world."""
        own = matrices(self.rotations)
        joints, axes = np.zeros((*own.shape[:2], 3)), np.zeros_like(own)
        for joint, parent in enumerate(PARENTS):
            if parent < 0:
                joints[:, joint], axes[:, joint] = self.root_m, own[:, joint]
            else:
                joints[:, joint] = joints[:, parent] + axes[:, parent] @ self.rig.offsets_m[joint]
                axes[:, joint] = axes[:, parent] @ own[:, joint]
        at = [INDEX[name] for name in ENDS]
        ends = joints[:, at] + np.einsum("tejk,ek->tej", axes[:, at], self.rig.ends_m)
        return joints, ends, axes

    def resampled(self, rate_hz: float) -> Motion:
        """The same at a constant rate, from the first frame to as near to the last as that gets; gaps are filled."""
        count = int(np.floor((self.times_s[-1] - self.times_s[0]) * rate_hz + 1e-6)) + 1
        times_s = self.times_s[0] + np.arange(count) / rate_hz
        root_m = np.stack([np.interp(times_s, self.times_s, axis) for axis in self.root_m.T], axis=-1)
        return replace(
            self, times_s=times_s, root_m=root_m, rotations=interpolated(self.times_s, self.rotations, times_s)
        )
