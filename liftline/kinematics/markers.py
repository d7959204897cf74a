"""HALPE_26's marker names, as Pose2Sim's models and angles have them, for the joints of 3D poses.

Sources: Fang et al., "AlphaPose" (TPAMI 2022); `Markers_Halpe26.xml` of Pose2Sim. Human3.6M's "neck" is between the
collar and the face and stands for the nose, its "thorax", between the shoulders, for the neck.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from liftline.skeletons import Skeleton

_PARTS = {
    "Hip": "hip", "Knee": "knee", "Ankle": "foot", "BigToe": "big_toe", "SmallToe": "small_toe", "Heel": "heel",
    "Shoulder": "shoulder", "Elbow": "elbow", "Wrist": "wrist", "Thumb": "thumb", "Index": "index", "Pinky": "pinky",
}  # fmt: skip

MARKERS: Mapping[str, str] = MappingProxyType(
    {"Hip": "hip", "Neck": "thorax", "Nose": "neck", "Head": "head"}
    | {f"{side[0].upper()}{name}": f"{side}_{part}" for name, part in _PARTS.items() for side in ("right", "left")}
)
"""The joint that each marker is; the spine has none."""


def marker_joints(skeleton: Skeleton) -> dict[str, int]:
    """Which joint of a skeleton each marker is, of those it has, in the order of `MARKERS`."""
    return {marker: skeleton.index[joint] for marker, joint in MARKERS.items() if joint in skeleton.index}
