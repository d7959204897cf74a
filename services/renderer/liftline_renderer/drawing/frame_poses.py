"""The poses of one frame, looked up among a video's in time proportional to the people in it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from liftline.poses import Poses

FARTHEST_M = 1e4
"""A root beyond this is a failed fit, not a person."""


@dataclass(frozen=True)
class FramePoses:
    """The drawable people of one frame.

    track_ids (P,); joints_cam_m (P,J,3) of `Poses.skeleton`, camera space; keypoints_px (P,K,2) and scores (P,K) of
    `Poses.keypoint_skeleton`, in the video's pixels; observed (P,).
    """

    track_ids: NDArray[np.int64]
    joints_cam_m: NDArray[np.float64]
    keypoints_px: NDArray[np.float64]
    scores: NDArray[np.float64]
    observed: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of people."""
        return len(self.track_ids)

    def only(self, chosen: NDArray[np.bool_]) -> FramePoses:
        """Some of them, by a mask (P,)."""
        return FramePoses(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True)
class FrameKeypoints:
    """What was seen of people in one frame.

    track_ids (P,); keypoints_px (P,K,2) and scores (P,K) of `Poses.keypoint_skeleton`, in the video's pixels, NaN and 0
    where missing.
    """

    track_ids: NDArray[np.int64]
    keypoints_px: NDArray[np.float64]
    scores: NDArray[np.float64]


class PosesByFrame:
    """Rows of `poses` grouped by frame: 12 bytes per row of memory, O(people in the frame) per look-up."""

    def __init__(self, poses: Poses) -> None:
        self._poses = poses
        self._order = np.argsort(poses.frame_index, kind="stable").astype(np.int64)
        counts = np.bincount(poses.frame_index, minlength=len(poses.frame_times_s))
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._positions = np.repeat(np.arange(len(poses), dtype=np.int32), np.diff(poses.row_offsets))

    def at(self, frame_index: int) -> FramePoses:
        """Everyone in a frame whose joints are all finite."""
        poses, rows = self._poses, self._rows(frame_index)
        joints = (poses.joints_m[rows] + poses.root_cam_m[rows, None]).astype(np.float64)
        drawable = np.all(np.abs(joints) < FARTHEST_M, axis=(1, 2))
        rows, joints = rows[drawable], joints[drawable]
        return FramePoses(
            track_ids=poses.track_ids[self._positions[rows]],
            joints_cam_m=joints,
            keypoints_px=poses.keypoints_px[rows].astype(np.float64),
            scores=poses.keypoint_scores[rows].astype(np.float64),
            observed=poses.observed[rows],
        )

    def seen_at(self, frame_index: int) -> FrameKeypoints:
        """Everyone who was detected in a frame, whatever their 3D poses are."""
        poses, rows = self._poses, self._rows(frame_index)
        rows = rows[poses.observed[rows]]
        return FrameKeypoints(
            track_ids=poses.track_ids[self._positions[rows]],
            keypoints_px=poses.keypoints_px[rows].astype(np.float64),
            scores=poses.keypoint_scores[rows].astype(np.float64),
        )

    def _rows(self, frame_index: int) -> NDArray[np.int64]:
        if not 0 <= frame_index < len(self._starts) - 1:
            return self._order[:0]
        return self._order[self._starts[frame_index] : self._starts[frame_index + 1]]
