"""From 2D tracks to 3D poses: resample, lift, place in camera space, smooth; one bounded group of tracks at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from liftline.camera import Camera, FocalLength
from liftline.ports import Progress, StopToken
from liftline.poses import Poses
from liftline.progress import FrameCounter
from liftline.settings.checked import checked
from liftline.settings.job import LiftChoices
from liftline.skeletons import pose_skeleton
from liftline.tracks import Tracks
from liftline_lifter.lifting import smoothing
from liftline_lifter.lifting._trajectory import fit_roots
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.focal_length import TRAJECTORY_FOCAL_PER_WIDTH
from liftline_lifter.lifting.inference import Lifted, Lifter
from liftline_lifter.refine.bone_lengths import constant_bones
from liftline_lifter.refine.feet import lock_feet
from liftline_lifter.refine.keypoint_cleaning import clean_keypoints
from liftline_lifter.resampling import even_times_s, interpolate, is_even


@checked
class LiftSettings(LiftChoices):
    """How tracks are lifted: what a job chooses, and what follows from the machine.

    Attributes:
        flip_augmentation: also lift the mirrored track and average.
        batch_frames: frames the network sees at once, which bounds memory.
        device: torch device.
    """

    flip_augmentation: bool = True
    batch_frames: int = Field(default=4096, ge=1)
    device: str = "cpu"


UNREFINED = LiftSettings(
    smooth="none", repair_sides=False, reject_outliers=False, constant_bones=False, lock_feet=False,
    common_floor=False,
)  # fmt: skip
"""As the network gives it, nothing smoothed or put right."""


def lift(
    tracks: Tracks,
    checkpoint: LifterCheckpoint,
    *,
    focal: FocalLength,
    settings: LiftSettings,
    stop: StopToken,
    progress: Progress,
) -> Poses:
    """Lift everyone to 3D, seen by a camera of this focal length (`focal_length.focal_length` chooses one).

    COCO's keypoints are lifted, and feet and hands where the network reads them; all of them stay beside the poses.
    `progress` counts rows of `tracks`.
    Raises Cancelled.
    """
    camera = Camera(tracks.width_px, tracks.height_px, focal.px)
    lifter = Lifter(
        checkpoint,
        flip=settings.flip_augmentation,
        batch_frames=settings.batch_frames,
        device=settings.device,
    )
    rows = len(tracks.frame_index)
    joints_m = np.empty((rows, checkpoint.pose_model.joints_out, 3), np.float32)
    root_cam_m = np.empty((rows, 3), np.float32)
    cleaned = clean_keypoints(tracks, sides=settings.repair_sides, outliers=settings.reject_outliers)
    body = cleaned.coco17
    read = cleaned if checkpoint.reads_scores else body
    for group in _groups(tracks, lifter.chunk_frames):
        times = [tracks.frame_times_s[tracks.frame_index[tracks.rows(position)]] for position in group]
        rates = [_network_times_s(own, checkpoint.rate_hz, settings) for own in times]
        keypoints, scores = (
            [_between(values[tracks.rows(position)], own, even)
             for position, own, even in zip(group, times, rates, strict=True)]
            for values in (read.keypoints_px, read.keypoint_scores)
        )  # fmt: skip
        uncounted = FrameCounter()  # rows count when they are finished, not when the network has seen them
        lifted = lifter.lift(keypoints, scores=scores, camera=camera, stop=stop, progress=uncounted)
        for position, own, even, result in zip(group, times, rates, lifted, strict=True):
            stop.raise_if_stopped()
            at = tracks.rows(position)
            joints_m[at], root_cam_m[at] = _finished(body, at, own, even, result, camera, settings)
            progress.advance(at.stop - at.start)
    poses = _to_poses(tracks, camera.focal_px, joints_m, root_cam_m)
    return lock_feet(poses) if settings.lock_feet else poses


def _groups(tracks: Tracks, frames: int) -> Iterator[list[int]]:
    """Tracks in order of length, together as long as they have at most so many frames."""
    lengths = np.diff(tracks.row_offsets)
    group: list[int] = []
    for position in np.argsort(-lengths, kind="stable").tolist():
        if group and sum(lengths[group]) + lengths[position] > frames:
            yield group
            group = []
        group.append(position)
    if group:
        yield group


def _network_times_s(times_s: NDArray[np.float64], rate_hz: float, settings: LiftSettings) -> NDArray[np.float64]:
    """Times at the network's rate, or the given ones where nothing is to be done."""
    if settings.native_rate or is_even(times_s, rate_hz):
        return times_s
    return even_times_s(times_s, rate_hz)


def _between(
    values: NDArray[np.floating], times_s: NDArray[np.float64], at_s: NDArray[np.float64]
) -> NDArray[np.floating]:
    return values if times_s is at_s else interpolate(values, times_s, at_s)


def _finished(
    tracks: Tracks,
    at: slice,
    own_s: NDArray[np.float64],
    even_s: NDArray[np.float64],
    lifted: Lifted,
    camera: Camera,
    settings: LiftSettings,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Joints and roots of one track at the video's own times, smoothed, bones of one length."""
    joints = smoothing.smooth(_between(lifted.joints_m, even_s, own_s), own_s, settings.smooth)
    if settings.constant_bones:
        joints = constant_bones(joints, tracks.keypoint_scores[at].mean(axis=1))
    if lifted.root_m is None:
        roots = fit_roots(joints, tracks.keypoints_px[at], tracks.keypoint_scores[at], own_s, camera=camera)
    else:
        roots = _between(lifted.root_m, even_s, own_s) * _depth_scale(camera)
    return joints, smoothing.smooth(roots, own_s, settings.smooth)


def _depth_scale(camera: Camera) -> NDArray[np.float32]:
    """What turns a trajectory network's root into the one seen in the same place and size by this camera."""
    return np.array([1, 1, camera.focal_px / (TRAJECTORY_FOCAL_PER_WIDTH * camera.width_px)], np.float32)


def _to_poses(tracks: Tracks, focal_px: float, joints_m: NDArray[np.float32], root_cam_m: NDArray[np.float32]) -> Poses:
    return Poses(
        video=tracks.video,
        width_px=tracks.width_px,
        height_px=tracks.height_px,
        focal_px=focal_px,
        frame_times_s=tracks.frame_times_s,
        track_ids=tracks.track_ids,
        row_offsets=tracks.row_offsets,
        frame_index=tracks.frame_index,
        joints_m=joints_m,
        root_cam_m=root_cam_m,
        keypoints_px=tracks.keypoints_px,
        keypoint_scores=tracks.keypoint_scores,
        observed=tracks.observed,
        skeleton=pose_skeleton(joints_m.shape[1]),
        keypoint_skeleton=tracks.skeleton,
    )
