"""GLB, glTF 2.0 in one file: everyone's skeleton, moving, with a body of capsules around it.

Metres, y up; each T-pose looks along z. One animation moves everyone at the video's own times. Who isn't there has no
size. Names are MotionBuilder's with the person's number, such as `person_1:LeftArm`.
Format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from liftline import __version__
from liftline.exports.animation._capsules import capsule_body
from liftline.exports.animation._gltf_file import INDICES, VERTICES, GltfFile
from liftline.exports.animation._people_in_gltf import add_motion, add_presence, add_rig
from liftline.exports.animation.bvh import BVH_PROFILES
from liftline.exports.animation.motions import motions
from liftline.files.atomic import write_bytes
from liftline.kinematics.person import Person
from liftline.kinematics.rig import JOINTS, Motion
from liftline.poses import Poses
from liftline.scene import Scene

_NAMES = BVH_PROFILES["humanik"].names


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.glb` with everyone in it."""
    file = GltfFile(f"Liftline {__version__}")
    roots, animation = list[int](), {"name": base.stem, "samplers": list[Any](), "channels": list[Any]()}
    ends_s = float(poses.frame_times_s[-1]) if len(poses.frame_times_s) else 0.0
    for person, motion in motions(poses, scene):
        roots += _add_person(file, animation, person, motion, ends_s)
    file.json |= {"scene": 0, "scenes": [{"name": base.stem, **({"nodes": roots} if roots else {})}]}
    if animation["channels"]:
        file.add("animations", animation)
    path = base.with_suffix(".glb")
    write_bytes(path, file.glb())
    return [path]


def _add_person(
    file: GltfFile, animation: dict[str, Any], person: Person, motion: Motion, ends_s: float
) -> tuple[int, int]:
    """The nodes of a person's skeleton and skin."""
    name = f"person_{person.track_id}"
    nodes = add_rig(file, motion, [f"{name}:{_NAMES[joint]}" for joint in JOINTS])
    not_seen = [_NAMES[joint] for joint, seen in zip(JOINTS, motion.seen, strict=True) if not seen]
    root = file.add(
        "nodes", {"name": name, "children": [nodes[0]], "extras": {"track_id": person.track_id, "not_seen": not_seen}}
    )
    add_motion(file, animation, motion, nodes)
    add_presence(file, animation, root, motion, ends_s)
    skin = _add_skin(file, motion, nodes, root)
    return root, file.add("nodes", {"name": f"{name}_body", "mesh": _add_body(file, motion, name), "skin": skin})


def _add_skin(file: GltfFile, motion: Motion, nodes: list[int], root: int) -> int:
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(nodes), 1, 1))
    inverse[:, :3, 3] = -motion.rig.joints_m
    columns = np.swapaxes(inverse, 1, 2).reshape(-1, 16)
    return file.add("skins", {"inverseBindMatrices": file.array(columns), "joints": nodes, "skeleton": root})


def _add_body(file: GltfFile, motion: Motion, name: str) -> int:
    body = capsule_body(motion.rig)
    count = len(body.joints)
    joints, weights = np.zeros((count, 4), np.uint8), np.zeros((count, 4), np.float32)
    joints[:, 0], weights[:, 0] = body.joints, 1
    attributes = {
        "POSITION": file.array(body.positions_m, target=VERTICES, bounds=True),
        "NORMAL": file.array(body.normals, target=VERTICES),
        "COLOR_0": file.array(body.colours, target=VERTICES),
        "JOINTS_0": file.array(joints, target=VERTICES),
        "WEIGHTS_0": file.array(weights, target=VERTICES),
    }
    material = {"name": name, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.8}}
    primitive = {
        "attributes": attributes,
        "indices": file.array(body.triangles, target=INDICES),
        "material": file.add("materials", material),
    }
    return file.add("meshes", {"name": name, "primitives": [primitive]})
