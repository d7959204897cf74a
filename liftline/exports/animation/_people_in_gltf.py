"""A rig as nodes of a glTF file, and its motion as channels of an animation: what GLB and VRMA share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from liftline.exports.animation._gltf_file import GltfFile
from liftline.kinematics.rig import JOINTS, PARENTS, Motion


def add_rig(file: GltfFile, motion: Motion, names: Sequence[str]) -> list[int]:
    """The T-pose's nodes, under these names; gives their numbers, in the order of `JOINTS`."""
    offsets = motion.rig.offsets_m
    nodes = [file.add("nodes", {"name": names[i], "translation": offsets[i].tolist()}) for i in range(len(JOINTS))]
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            file.json["nodes"][nodes[parent]].setdefault("children", []).append(nodes[joint])
    return nodes


def add_motion(file: GltfFile, animation: dict[str, Any], motion: Motion, nodes: Sequence[int]) -> int:
    """The hips' path and every joint's rotations as channels of an animation; gives the accessor of the times."""
    times = file.array(motion.times_s.astype(np.float32), bounds=True)
    _add_channel(file, animation, nodes[0], "translation", times, motion.root_m)
    for joint, node in enumerate(nodes):
        _add_channel(file, animation, node, "rotation", times, motion.rotations[:, joint, [1, 2, 3, 0]])
    return times


def _add_channel(
    file: GltfFile, animation: dict[str, Any], node: int, path: str, times: int, values: Any, how: str = "LINEAR"
) -> None:
    output = file.array(np.asarray(values, np.float32))
    animation["samplers"].append({"input": times, "interpolation": how, "output": output})
    animation["channels"].append(
        {"sampler": len(animation["samplers"]) - 1, "target": {"node": node, "path": path}}
    )  # fmt: skip


def add_presence(file: GltfFile, animation: dict[str, Any], node: int, motion: Motion, ends_s: float) -> None:
    """Make the node vanish while the person isn't in the video: it has no size then."""
    first, last = float(motion.times_s[0]), float(motion.times_s[-1])
    keys = (
        [(0.0, 0.0)] * (first > 0)
        + [(first, 1.0)]
        + [(float(np.nextafter(np.float32(last), 1e9)), 0.0)] * (last < ends_s)
    )
    if len(keys) == 1:
        return
    times = file.array(np.array([at for at, _ in keys], np.float32), bounds=True)
    _add_channel(file, animation, node, "scale", times, np.array([[size] * 3 for _, size in keys]), "STEP")
