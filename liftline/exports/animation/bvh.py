"""BVH: a skeleton and its rotations over time, one file per person, for Blender, MotionBuilder, Unity's importers, ...

Centimetres, y up; with no rotation the skeleton is a T-pose that looks along z. Rotations are about z, x, y. Names are
those of a profile. Format: Meredith and Maddock, "Motion Capture File Formats Explained" (2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liftline.exports._paths import person_path
from liftline.exports.animation.motions import even_motion, motions
from liftline.exports.options import DEFAULTS, ExportOptions
from liftline.files.atomic import atomic_path
from liftline.kinematics.rig import ENDS, JOINTS, PARENTS, Motion
from liftline.kinematics.turns import Floats, continuous_euler, matrices
from liftline.poses import Poses
from liftline.scene import Scene

_CM = 100.0
_ROTATIONS = "Zrotation Xrotation Yrotation"
_SIDED = {
    "shoulder": "Shoulder", "upper_arm": "Arm", "lower_arm": "ForeArm", "hand": "Hand",
    "upper_leg": "UpLeg", "lower_leg": "Leg", "foot": "Foot", "toes": "ToeBase",
}  # fmt: skip
_HUMANIK = {
    "hips": "Hips", "spine": "Spine", "chest": "Spine1", "upper_chest": "Spine2", "neck": "Neck", "head": "Head",
    **{f"{side}_{ours}": side.title() + theirs for side in ("left", "right") for ours, theirs in _SIDED.items()},
}  # fmt: skip


@dataclass(frozen=True)
class BvhProfile:
    """`names` by joint of the rig; `rate_hz` where readers take one for granted."""

    names: dict[str, str]
    rate_hz: float | None = None


BVH_PROFILES: dict[str, BvhProfile] = {
    "humanik": BvhProfile(_HUMANIK),
    "mixamo": BvhProfile({joint: f"mixamorig:{name}" for joint, name in _HUMANIK.items()}),
    "lafan": BvhProfile({joint: name.replace("ToeBase", "Toe") for joint, name in _HUMANIK.items()}, rate_hz=30.0),
}
"""MotionBuilder's names, which Unity and others know too; Mixamo's; those of LAFAN1, 30 frames a second."""


def write(poses: Poses, scene: Scene, base: Path, options: ExportOptions = DEFAULTS) -> list[Path]:
    """Write `<stem>.bvh` for the most prominent person, `<stem>#2.bvh`, … for the others."""
    paths = []
    for person, motion in motions(poses, scene):
        path = person_path(base, person.position, ".bvh")
        with atomic_path(path) as temporary:
            temporary.write_text("\n".join(_lines(motion, BVH_PROFILES[options.bvh_profile])) + "\n", "ascii")
        paths.append(path)
    return paths


def _lines(motion: Motion, profile: BvhProfile) -> Iterator[str]:
    motion, rate_hz = even_motion(motion, profile.rate_hz)
    order = list[int]()
    yield "HIERARCHY"
    yield from _joint(motion, profile, 0, order)
    yield "MOTION"
    yield f"Frames: {len(motion)}"
    yield f"Frame Time: {1 / rate_hz:.8f}"
    degrees = continuous_euler(matrices(motion.rotations))[:, order].reshape(len(motion), -1)
    for root_m, angles in zip(motion.root_m, degrees, strict=True):
        yield " ".join([*(f"{value:.4f}" for value in root_m * _CM), *(f"{value:.4f}" for value in angles)])


def _joint(motion: Motion, profile: BvhProfile, joint: int, order: list[int], depth: int = 0) -> Iterator[str]:
    """The lines of a joint and those below it; `order` gets their numbers, as the frames' columns have them."""
    order.append(joint)
    pad, name = "\t" * depth, JOINTS[joint]
    yield f"{pad}{'JOINT' if depth else 'ROOT'} {profile.names[name]}"
    yield f"{pad}{{"
    # Where the hips are is told by their channels alone: programs differ in whether their offset is added to them.
    yield _offset(motion.rig.offsets_m[joint] if depth else np.zeros(3), depth + 1)
    channels = f"3 {_ROTATIONS}" if depth else f"6 Xposition Yposition Zposition {_ROTATIONS}"
    yield f"{pad}\tCHANNELS {channels}"
    for child in _children(joint):
        yield from _joint(motion, profile, child, order, depth + 1)
    if name in ENDS:
        end = motion.rig.ends_m[ENDS.index(name)]
        yield from (f"{pad}\tEnd Site", f"{pad}\t{{", _offset(end, depth + 2), f"{pad}\t}}")
    yield f"{pad}}}"


def _children(joint: int) -> Sequence[int]:
    return [child for child, parent in enumerate(PARENTS) if parent == joint]


def _offset(metres: Floats, depth: int) -> str:
    return "\t" * depth + "OFFSET " + " ".join(f"{value * _CM + 0.0:.6f}" for value in metres)
