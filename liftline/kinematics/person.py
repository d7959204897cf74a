"""One person of a video, upright, as those who work on bodies want them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.frames import frame_rate
from liftline.kinematics.scores import joint_scores, seen_joints
from liftline.poses import Poses
from liftline.scene import Scene, to_world
from liftline.skeletons import Skeleton

USUAL_HZ = 30.0
"""The rate where a single frame tells none."""
_TO_Y_UP = np.array([1.0, 1.0, -1.0])


@dataclass(frozen=True)
class Person:
    """Somebody over T frames, in a world with y up as OpenSim, BVH and glTF have it, metres.

    x is to the camera's right, y up from the floor, z towards the camera; the origin is on the floor under the camera.
    frame_index (T,) counts the video's frames from 0, without holes; times_s (T,); joints_m (T,J,3); scores (T,J) in
    0..1; observed (T,): False where the frame is interpolated; seen (J,): False for joints that never were.
    """

    track_id: int
    position: int
    frame_index: NDArray[np.int64]
    times_s: NDArray[np.float64]
    joints_m: NDArray[np.float64]
    scores: NDArray[np.float32]
    observed: NDArray[np.bool_]
    skeleton: Skeleton

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.times_s)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(J,) whether a joint was seen in any frame."""
        return seen_joints(self.scores)

    @property
    def measured_m(self) -> NDArray[np.float64]:
        """(T,J,3) joints, NaN where they were never seen."""
        return np.where(self.seen[None, :, None], self.joints_m, np.nan)

    @property
    def rate_hz(self) -> float:
        """Frames per second between pauses."""
        return frame_rate(self.times_s).hz if len(self) > 1 else USUAL_HZ


def people(poses: Poses, scene: Scene) -> Iterator[Person]:
    """Everyone, the most prominent first."""
    scores = joint_scores(poses)
    for position, track in enumerate(poses.track_ids.tolist()):
        rows = poses.rows(position)
        yield Person(
            track_id=track,
            position=position,
            frame_index=poses.frame_index[rows],
            times_s=poses.frame_times_s[poses.frame_index[rows]],
            joints_m=y_up(to_world(poses.joints_m[rows] + poses.root_cam_m[rows, None], scene)),
            scores=scores[rows],
            observed=poses.observed[rows],
            skeleton=poses.skeleton,
        )


def y_up(world_m: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...,3) in the world of `liftline.scene`, z up -> the same with y up and z towards the camera."""
    return np.asarray(_TO_Y_UP * np.asarray(world_m, np.float64)[..., [0, 2, 1]])


def z_up(upright: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...,3) with y up, as `y_up` gives it -> the world of `liftline.scene`."""
    return np.asarray((_TO_Y_UP * upright)[..., [0, 2, 1]])
