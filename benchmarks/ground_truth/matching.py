"""Who in a result is who in the reference, and how far off they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.ground_truth.reference import CalibratedCamera
from liftline.kinematics.angles import AngleError, angle_errors, pose_of_limbs
from liftline.pose_errors import n_mpjpe, p_mpjpe
from liftline.poses import Poses
from liftline.skeletons import COCO17, H36M17, LIMB_JOINTS

ID_MIN_FRAMES = 2
"""An id that one frame alone carries is an assignment slip where people cross, not a track of that person."""

LIMBS_H36M = H36M17.indices(*LIMB_JOINTS)
LIMBS_COCO = COCO17.indices(*(joint.replace("_foot", "_ankle") for joint in LIMB_JOINTS))
LIMB_HIPS = [LIMB_JOINTS.index("left_hip"), LIMB_JOINTS.index("right_hip")]


@dataclass(frozen=True)
class Reference:
    """Limb joints limbs_m (F,12,3) in the world, NaN in frames without, and limbs_px (F,12,2) as a camera sees them."""

    limbs_m: NDArray[np.float64]
    limbs_px: NDArray[np.float64]
    camera: CalibratedCamera
    gate_of_size: float = 0.2

    @classmethod
    def seen_by(cls, camera: CalibratedCamera, limbs_m: NDArray[np.float64]) -> Reference:
        """Project the joints."""
        return cls(limbs_m, camera.project(limbs_m), camera)

    def distance(self, frame: int, keypoints_px: NDArray[np.float64]) -> float:
        """Distance between the middles of the limb joints, in parts of the person's size in the picture over the gate.

        Where somebody is, not how well their joints fit: poses with sides swapped count as theirs, and as errors.
        """
        apart = np.linalg.norm(keypoints_px[LIMBS_COCO].mean(axis=0) - self.limbs_px[frame].mean(axis=0))
        return float(apart / (self.gate_of_size * self._size_px)) if np.isfinite(apart) else np.inf

    @cached_property
    def _size_px(self) -> float:
        """The usual extent of the person in the picture."""
        return float(np.nanmedian(np.ptp(self.limbs_px, axis=1).max(axis=-1)))

    def in_view(self) -> float:
        """Part of the frames in which all joints are inside the picture."""
        inside = (self.limbs_px >= 0) & (self.limbs_px < [self.camera.width_px, self.camera.height_px])
        return float(np.mean(inside[self.known].all(axis=(1, 2))))

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(F,) whether all joints are known in a frame."""
        return np.asarray(np.isfinite(self.limbs_px).all(axis=(1, 2)), np.bool_)


@dataclass(frozen=True)
class Match:
    """The frames (N,) in which a target was found, the rows of `Poses` (N,) it was found in, and their track ids."""

    frames: NDArray[np.intp]
    rows: NDArray[np.intp]
    ids: tuple[int, ...]

    def within(self, frames: NDArray[np.intp]) -> Match:
        """Only what lies in these frames."""
        kept = np.isin(self.frames, frames)
        return Match(self.frames[kept], self.rows[kept], self.ids)


@dataclass(frozen=True)
class Errors:
    """Means over the frames in which somebody was found, NaN without any; keypoints_px against the projection."""

    p_mpjpe_mm: float
    n_mpjpe_mm: float
    keypoints_px: float


def match_people(poses: Poses, targets: Sequence[Reference], *, frames: int) -> list[Match]:
    """Find every target among the observed people of the first `frames` frames.

    Frame by frame, everyone at once, by the smallest total distance; who is further than the gate stays unmatched.
    """
    found: list[list[tuple[int, int]]] = [[] for _ in targets]
    for frame in range(frames):
        present = np.flatnonzero((poses.frame_index == frame) & poses.observed)
        keypoints = poses.keypoints_px[present].astype(np.float64)
        distances = np.array([[target.distance(frame, person) for person in keypoints] for target in targets])
        if not distances.size:
            continue
        for target, position in zip(*linear_sum_assignment(np.minimum(distances, 1.0)), strict=True):
            if distances[target, position] < 1:
                found[target].append((frame, int(present[position])))
    return [_match(poses, pairs) for pairs in found]


def _match(poses: Poses, pairs: list[tuple[int, int]]) -> Match:
    frames, rows = np.array(pairs, np.intp).reshape(-1, 2).T
    ids, counts = np.unique(np.repeat(poses.track_ids, np.diff(poses.row_offsets))[rows], return_counts=True)
    return Match(frames, rows, tuple(ids[counts >= ID_MIN_FRAMES].tolist()))


def errors(poses: Poses, match: Match, reference: Reference) -> Errors:
    """How far the matched poses are from their reference."""
    predicted = _from_hip(poses.joints_m[match.rows][:, LIMBS_H36M].astype(np.float64))
    truth = _from_hip(reference.camera.to_camera(reference.limbs_m[match.frames]))
    apart_px = np.linalg.norm(poses.keypoints_px[match.rows][:, LIMBS_COCO] - reference.limbs_px[match.frames], axis=-1)
    return Errors(1000 * _mean(p_mpjpe(predicted, truth)), 1000 * _mean(n_mpjpe(predicted, truth)), _mean(apart_px))


def limb_angle_errors(poses: Poses, match: Match, reference: Reference) -> dict[str, AngleError]:
    """Of the matched poses' joint angles, by name; the trunk is between the middles of hips and shoulders in both."""
    predicted = pose_of_limbs(poses.joints_m[match.rows][:, LIMBS_H36M])
    return angle_errors(predicted, pose_of_limbs(reference.limbs_m[match.frames]))


def _from_hip(joints_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,12,3) relative to the middle between the hips."""
    return np.asarray(joints_m - joints_m[:, LIMB_HIPS].mean(axis=1, keepdims=True), np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")
