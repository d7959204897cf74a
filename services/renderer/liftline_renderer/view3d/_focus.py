"""Where the 3D view looks over a whole video: the people's middle and spread, smoothed over time.

It depends on the poses and the time alone, so every segment sees the same camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.poses import Poses
from liftline.scene import Scene
from liftline_renderer.drawing.frame_poses import FARTHEST_M
from liftline_renderer.view3d.room import Focus, Room

STEP_S = 0.2
PLACE_SIGMA_S, RADIUS_SIGMA_S, RADIUS_REACH_S = 0.8, 1.2, 1.6
MAX_SPREAD_M = 12.0
"""People farther than this from the middle of everybody (a failed fit, a distant passer-by) don't move the camera."""
MAX_RADIUS_M = 6.0


class FocusPath:
    """Where the 3D view looks at any time of the video."""

    def __init__(self, poses: Poses, scene: Scene, room: Room) -> None:
        """Reduce all roots to a smooth path with a point every `STEP_S`."""
        end_s = float(poses.frame_times_s[-1]) if len(poses.frame_times_s) else 0.0
        self._times_s = np.arange(0.0, end_s + 2 * STEP_S, STEP_S)
        floor = room.from_camera(poses.root_cam_m.astype(np.float64))[:, :2]
        bins = np.rint(poses.frame_times_s[poses.frame_index] / STEP_S).astype(np.int64)
        usable = np.all(np.abs(floor) < FARTHEST_M, axis=1)
        floor, bins = floor[usable], bins[usable]
        if len(floor):
            near = np.hypot(*(floor - np.median(floor, axis=0)).T) < MAX_SPREAD_M
            floor, bins = floor[near], bins[near]
        widest = float(np.clip(scene.extent_m, 0.5, MAX_RADIUS_M)) if np.isfinite(scene.extent_m) else MAX_RADIUS_M
        self._path = self._smooth(floor, bins, widest)

    @property
    def widest_m(self) -> float:
        """The largest radius over the whole video."""
        return float(self._path[2].max())

    def at(self, time_s: float) -> Focus:
        """The focus at a time, by linear interpolation."""
        x, y, radius = (float(np.interp(time_s, self._times_s, column)) for column in self._path)
        return Focus(x, y, radius)

    def _smooth(
        self, floor: NDArray[np.float64], bins: NDArray[np.int64], widest: float
    ) -> tuple[NDArray[np.float64], ...]:
        """Columns x, y, radius of the path, metres."""
        count = len(self._times_s)
        people = np.bincount(bins, minlength=count)
        seen = np.flatnonzero(people)
        if not len(seen):
            return np.zeros(count), np.zeros(count), np.zeros(count)
        middle = [np.bincount(bins, floor[:, axis], count)[seen] / people[seen] for axis in (0, 1)]
        x, y = (np.interp(np.arange(count), seen, column) for column in middle)
        spread = np.zeros(count)
        np.maximum.at(spread, bins, np.hypot(floor[:, 0] - x[bins], floor[:, 1] - y[bins]))
        spread = np.interp(np.arange(count), seen, np.minimum(spread[seen], widest))
        reach = round(RADIUS_REACH_S / STEP_S)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(spread, reach, mode="edge"), 2 * reach + 1)
        return _blur(x, PLACE_SIGMA_S), _blur(y, PLACE_SIGMA_S), _blur(windows.max(axis=1), RADIUS_SIGMA_S)


def _blur(values: NDArray[np.float64], sigma_s: float) -> NDArray[np.float64]:
    sigma = sigma_s / STEP_S
    reach = int(3 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")
