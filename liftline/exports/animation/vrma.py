"""VRMA: a person's motion for avatars in VRM's format, one file per person, metres, y up.

Format: https://github.com/vrm-c/vrm-specification/tree/master/specification/VRMC_vrm_animation-1.0
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from liftline import __version__
from liftline.exports._paths import person_path
from liftline.exports.animation._gltf_file import GltfFile
from liftline.exports.animation._people_in_gltf import add_motion, add_rig
from liftline.exports.animation.motions import motions
from liftline.files.atomic import write_bytes
from liftline.kinematics.rig import JOINTS, Motion
from liftline.poses import Poses
from liftline.scene import Scene

_EXTENSION = "VRMC_vrm_animation"


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.vrma` for the most prominent person, `<stem>#2.vrma`, … for the others."""
    paths = []
    for person, motion in motions(poses, scene):
        paths.append(person_path(base, person.position, ".vrma"))
        write_bytes(paths[-1], _vrma(motion, paths[-1].stem))
    return paths


def _vrma(motion: Motion, name: str) -> bytes:
    file = GltfFile(f"Liftline {__version__}")
    bones = [vrm_bone(joint) for joint in JOINTS]
    nodes = add_rig(file, motion, bones)
    animation: dict[str, Any] = {"name": name, "samplers": [], "channels": []}
    add_motion(file, animation, motion, nodes)
    file.add("animations", animation)
    human = {bone: {"node": node} for bone, node in zip(bones, nodes, strict=True)}
    file.json |= {
        "scene": 0,
        "scenes": [{"nodes": [nodes[0]]}],
        "extensionsUsed": [_EXTENSION],
        "extensions": {_EXTENSION: {"specVersion": "1.0", "humanoid": {"humanBones": human}}},
    }
    return file.glb()


def vrm_bone(joint: str) -> str:
    """VRM's name of a joint of the rig: `leftUpperArm` for `left_upper_arm`."""
    first, *rest = joint.split("_")
    return first + "".join(word.title() for word in rest)
