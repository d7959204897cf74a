"""A body of capsules around a rig's bones, each vertex moved by one bone: our own, so that no licence comes with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.rig import ENDS, INDEX, JOINTS, PARENTS, Rig
from liftline.kinematics.turns import Floats, shortest_turn

_AROUND, _RINGS = 12, 4
_RADIUS_M = {
    "hips": 0.10, "spine": 0.11, "chest": 0.12, "upper_chest": 0.11, "neck": 0.05, "head": 0.09, "shoulder": 0.06,
    "upper_arm": 0.045, "lower_arm": 0.035, "hand": 0.035, "upper_leg": 0.075, "lower_leg": 0.05, "foot": 0.04,
    "toes": 0.035,
}  # fmt: skip
_USUAL_HIPS_M = 0.92
"""How high the hips are of someone to whom those radii belong."""
_COLOURS = {"left": (0.0, 0.35, 0.45), "right": (0.6, 0.1, 0.13), "middle": (0.55, 0.55, 0.58)}


@dataclass(frozen=True)
class Body:
    """A mesh in T-pose: (V,3) positions and normals, (V,4) colours, (V,) joints that move them, (I,) triangles."""

    positions_m: NDArray[np.float32]
    normals: NDArray[np.float32]
    colours: NDArray[np.float32]
    joints: NDArray[np.uint8]
    triangles: NDArray[np.uint32]


def capsule_body(rig: Rig) -> Body:
    """A rig's body: a capsule along each bone."""
    at, thickness = rig.joints_m, rig.joints_m[0, 1] / _USUAL_HIPS_M
    bones = [(parent, at[parent], at[joint]) for joint, parent in enumerate(PARENTS) if parent >= 0]
    bones += [(INDEX[name], at[INDEX[name]], at[INDEX[name]] + end) for name, end in zip(ENDS, rig.ends_m, strict=True)]
    normals, triangles = _capsule()
    parts = []
    for joint, start, end in bones:
        side = JOINTS[joint].partition("_")[0]
        part = JOINTS[joint].removeprefix(f"{side}_") if side in ("left", "right") else JOINTS[joint]
        turn = shortest_turn(np.array([0.0, 1, 0]), end - start)
        ends = np.where(normals[:, 1:2] > 0, end, start)
        turned = normals @ turn.T
        parts.append(
            (ends + _RADIUS_M[part] * thickness * turned, turned, joint, _COLOURS.get(side, _COLOURS["middle"]))
        )
    count = len(normals)
    return Body(
        positions_m=np.concatenate([part[0] for part in parts]).astype(np.float32),
        normals=np.concatenate([part[1] for part in parts]).astype(np.float32),
        colours=np.repeat([(*part[3], 1.0) for part in parts], count, axis=0).astype(np.float32),
        joints=np.repeat([part[2] for part in parts], count).astype(np.uint8),
        triangles=np.concatenate([triangles + i * count for i in range(len(parts))]).astype(np.uint32),
    )


def _capsule() -> tuple[Floats, NDArray[np.int64]]:
    """(V,3) unit normals, those with y > 0 at one end and those with y < 0 at the other; (I,) triangles."""
    heights = np.concatenate([-np.linspace(90, 1e-3, _RINGS), np.linspace(1e-3, 90, _RINGS)])
    around = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    up, out = np.sin(np.radians(heights)), np.cos(np.radians(heights))
    rings = np.stack(
        [out[:, None] * np.cos(around), np.repeat(up[:, None], _AROUND, axis=1), out[:, None] * np.sin(around)], axis=-1
    )
    ring, step = np.meshgrid(np.arange(len(heights) - 1) * _AROUND, np.arange(_AROUND), indexing="ij")
    after = (step + 1) % _AROUND
    one, other = (
        [ring + step, ring + _AROUND + step, ring + after],
        [ring + after, ring + _AROUND + step, ring + _AROUND + after],
    )
    faces = np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in (one, other)])
    points = rings.reshape(-1, 3)
    # At the poles rings are points: faces without an area go.
    corners = points[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1)
    flat = (area < 1e-9) & (np.abs(corners[..., 1]).max(axis=-1) > 0.999)
    return points, faces[~flat].ravel()
