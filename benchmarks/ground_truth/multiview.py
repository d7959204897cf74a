"""A 3D reference for everyone in a synchronised multi-camera recording, made from the 2D tracks of its views alone.

Who is who across views: the combination of tracks, one per view, whose limb joints agree best in 3D. Their keypoints
are then triangulated frame by frame (`benchmarks.ground_truth.triangulation`), gaps interpolated and the result
low-passed without lag, as reference trajectories usually are. What stays of a calibration's error where the person is,
is taken out as one constant shift of each view's picture per person, by alternating between points and shifts.

What such a reference is worth: its depth comes from other views and owes nothing to a lifter, but it shares the 2D
detector with whatever is measured against it. So it stands in where there is none, and is itself checked against a
reference made by others where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.interpolate import CubicSpline

from benchmarks.ground_truth.matching import LIMBS_COCO
from benchmarks.ground_truth.reference import CalibratedCamera
from benchmarks.ground_truth.triangulation import Bools, Floats, intersect, rays, reprojection_px, triangulate
from liftline.poses import Poses
from liftline.skeletons import COCO17
from liftline_lifter.lifting.smoothing import low_pass

GATE = 0.05
"""Keypoints of one person agree within this share of the person's size in the picture: 8 cm of 1.7 m."""
SAME_PERSON = 0.05
"""Tracks are one person's if their limb joints usually agree within this share."""
MIN_KNOWN = 0.5
"""A joint that is known in fewer frames than this share is missing throughout."""
CUTOFF_HZ = 6.0
LONGEST_LAG, LAG_STEP = 6.0, 0.25
REGISTRATION_ROUNDS, REGISTRATION_STEP, REGISTRATION_GATES = 25, 0.7, 1.5


@dataclass(frozen=True)
class View:
    """What one camera's pipeline run found: keypoints_px (P,F,17,2) of P tracks, NaN where not observed; their
    scores (P,F,17); track_ids (P,)."""

    camera: CalibratedCamera
    track_ids: tuple[int, ...]
    keypoints_px: Floats
    scores: Floats

    @classmethod
    def of(cls, poses: Poses, camera: CalibratedCamera, *, frames: int) -> View:
        """The first frames of a result."""
        keypoints = np.full((len(poses), frames, len(COCO17), 2), np.nan)
        scores = np.zeros((len(poses), frames, len(COCO17)))
        for position in range(len(poses)):
            rows = np.arange(len(poses.frame_index))[poses.rows(position)]
            rows = rows[poses.observed[rows] & (poses.frame_index[rows] < frames)]
            keypoints[position, poses.frame_index[rows]] = poses.keypoints_px[rows, : len(COCO17)]
            scores[position, poses.frame_index[rows]] = poses.keypoint_scores[rows, : len(COCO17)]
        return cls(camera, tuple(poses.track_ids.tolist()), keypoints, scores)


@dataclass(frozen=True)
class Person:
    """Somebody seen by all views.

    track_ids, one per view; cameras (V) as this person is seen, with shifted principal points; joints_m (F,17,3) COCO
    keypoints in the world, interpolated and low-passed; known (F,17) where enough views agreed; used (V,F,17) which
    views had a say; keypoints_px (V,F,17,2) what the views saw; sizes_px (V,) of the person in each picture.
    """

    track_ids: tuple[int, ...]
    cameras: tuple[CalibratedCamera, ...]
    joints_m: Floats
    known: Bools
    used: Bools
    keypoints_px: Floats
    sizes_px: Floats

    @property
    def limbs_m(self) -> Floats:
        """(F,12,3) joints in the order of `LIMB_JOINTS`."""
        return self.joints_m[:, LIMBS_COCO]

    def offsets_px(self) -> Floats:
        """(V,F,17,2) from where the joints project to what the views saw."""
        return self.keypoints_px - np.stack([camera.project(self.joints_m) for camera in self.cameras])


def views_of(
    results: Mapping[str, Poses], cameras: Mapping[str, CalibratedCamera], *, frames: int | None = None
) -> list[View]:
    """What each camera's run found, in so many frames of each; by default in all of its own."""
    return [View.of(one, cameras[name], frames=frames or len(one.frame_times_s)) for name, one in results.items()]


def rate_hz_of(results: Mapping[str, Poses]) -> float:
    """Frames a second of the first view; recordings are synchronised."""
    return 1 / float(np.median(np.diff(next(iter(results.values())).frame_times_s)))


def people(views: Sequence[View], *, rate_hz: float) -> list[Person]:
    """Everyone who is followed in all views, those whose views agree best first."""
    disagreement = {
        tracks: _disagreement(views, tracks) for tracks in product(*(range(len(view.track_ids)) for view in views))
    }
    found: list[tuple[int, ...]] = []
    for tracks in sorted(disagreement, key=disagreement.__getitem__):
        taken = any(one == other for person in found for one, other in zip(person, tracks, strict=True))
        if disagreement[tracks] < SAME_PERSON and not taken:
            found.append(tracks)
    return [_person(views, tracks, rate_hz) for tracks in found]


def _disagreement(views: Sequence[View], tracks: tuple[int, ...]) -> float:
    """How far limb joints usually are from where the other views put them, in parts of the person's size."""
    cameras = [view.camera for view in views]
    points = np.stack([view.keypoints_px[track] for view, track in zip(views, tracks, strict=True)])
    flat = points[:, :, LIMBS_COCO].reshape(len(views), -1, 2)
    everywhere = np.isfinite(flat).all(axis=(0, 2))
    if not everywhere.any():
        return np.inf
    flat = flat[:, everywhere]
    seen = np.stack([rays(camera, own) for camera, own in zip(cameras, flat, strict=True)])
    apart = reprojection_px(cameras, intersect(cameras, seen, np.ones(flat.shape[:2])), flat)
    return float(np.median(apart / _sizes_px(points)[:, None]))


def _sizes_px(points_px: Floats) -> Floats:
    """(V,F,17,2) -> (V,) the longer side of the person's box, the median over all frames."""
    extent = (points_px.max(axis=2) - points_px.min(axis=2)).max(axis=-1)
    return np.asarray(np.nanmedian(extent, axis=1), np.float64)


def _person(views: Sequence[View], tracks: tuple[int, ...], rate_hz: float) -> Person:
    points = np.stack([view.keypoints_px[track] for view, track in zip(views, tracks, strict=True)])
    scores = np.stack([view.scores[track] for view, track in zip(views, tracks, strict=True)])
    sizes, shape = _sizes_px(points), points.shape[:3]
    flat, weights = points.reshape(len(views), -1, 2), scores.reshape(len(views), -1)
    gates = np.broadcast_to(GATE * sizes[:, None], flat.shape[:2])
    cameras = registered([view.camera for view in views], flat, weights, gates)
    found = triangulate(cameras, flat, weights, gates)
    raw = found.points_m.reshape(*shape[1:], 3)
    joints = smoothed(raw, rate_hz)
    return Person(
        track_ids=tuple(view.track_ids[track] for view, track in zip(views, tracks, strict=True)),
        cameras=cameras,
        joints_m=joints,
        known=np.asarray(np.isfinite(raw).all(axis=-1), np.bool_),
        used=found.used.reshape(shape),
        keypoints_px=points,
        sizes_px=sizes,
    )


def registered(
    cameras: Sequence[CalibratedCamera], points_px: Floats, weights: Floats, gates_px: Floats
) -> tuple[CalibratedCamera, ...]:
    """The cameras with principal points shifted until nobody's points (V,N,2) are off on one side, in the median."""
    moved = tuple(cameras)
    for _ in range(REGISTRATION_ROUNDS):
        points = triangulate(moved, points_px, weights, REGISTRATION_GATES * gates_px).points_m
        moved = tuple(
            camera.shifted(REGISTRATION_STEP * np.nanmedian(own - camera.project(points), axis=0))
            for camera, own in zip(moved, points_px, strict=True)
        )
    return moved


def smoothed(points_m: Floats, rate_hz: float) -> Floats:
    """(F,J,3) with gaps -> (F,J,3) interpolated and low-passed; joints that are hardly ever known stay NaN."""
    out = np.full(points_m.shape, np.nan)
    frames = np.arange(len(points_m))
    for joint in range(points_m.shape[1]):
        known = np.flatnonzero(np.isfinite(points_m[:, joint]).all(axis=-1))
        if len(known) < MIN_KNOWN * len(frames):
            continue
        filled = np.stack([np.interp(frames, known, points_m[known, joint, axis]) for axis in range(3)], axis=-1)
        out[:, joint] = low_pass(filled, CUTOFF_HZ, rate_hz)
    return out


def lag_frames(reference_m: Floats, measured_m: Floats) -> float:
    """By how many frames (F,J,3) `reference_m` has to be delayed to move as `measured_m` does.

    Joints of two definitions lie apart, so each joint's usual offset doesn't count; what is left is, in the median.
    """
    lags = np.arange(-LONGEST_LAG, LONGEST_LAG + LAG_STEP / 2, LAG_STEP)
    off = []
    for lag in lags:
        apart = delayed(reference_m, lag) - measured_m
        off.append(np.nanmedian(np.linalg.norm(apart - np.nanmedian(apart, axis=0), axis=-1)))
    return float(lags[int(np.argmin(off))])


def delayed(points_m: Floats, frames: float) -> Floats:
    """(F,J,3) -> (F,J,3) later by so many frames, by cubic splines; NaN where that is before or after the recording."""
    at = np.arange(len(points_m)) - frames
    out = np.asarray(CubicSpline(np.arange(len(points_m)), points_m, axis=0)(at), np.float64)
    out[(at < 0) | (at > len(points_m) - 1)] = np.nan
    return out
