"""MediaPipe's pose solution on one video: run by a Python that has `mediapipe`, which the project's own doesn't need.

    python mediapipe_script.py VIDEO REGIONS.npz OUT.npz

REGIONS.npz: regions_px (P,F,4) x1, y1, x2, y2 of P people in F frames, NaN where somebody isn't looked for.
OUT.npz: found (P,F) bool, landmarks_px (P,F,33,2), world_m (P,F,33,3).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LANDMARKS = 33


def main() -> None:
    """Everyone in every frame, each in a region of their own, tracked from frame to frame as in a live camera."""
    video, regions_path, out_path = (Path(argument) for argument in sys.argv[1:4])
    regions = np.load(regions_path)["regions_px"]
    pose = importlib.import_module("mediapipe.python.solutions.pose")
    solutions = [pose.Pose(model_complexity=1) for _ in regions]
    found = np.zeros(regions.shape[:2], np.bool_)
    landmarks_px = np.full((*found.shape, LANDMARKS, 2), np.nan)
    world_m = np.full((*found.shape, LANDMARKS, 3), np.nan)
    capture = cv2.VideoCapture(str(video))
    for frame in range(regions.shape[1]):
        read, bgr = capture.read()
        if not read:
            break
        for person, solution in enumerate(solutions):
            seen = _look(solution, np.asarray(bgr, np.uint8), regions[person, frame])
            if seen is not None:
                found[person, frame], (landmarks_px[person, frame], world_m[person, frame]) = True, seen
    np.savez(out_path, found=found, landmarks_px=landmarks_px, world_m=world_m)


def _look(
    solution: Any, bgr: NDArray[np.uint8], region_px: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(33,2) pixels of the whole picture and (33,3) metres, or None."""
    if not np.isfinite(region_px).all():
        return None
    x1, y1, x2, y2 = np.round(region_px).astype(int).tolist()
    x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, bgr.shape[1]), min(y2, bgr.shape[0])
    if x2 - x1 < 2 or y2 - y1 < 2:
        return None
    result = solution.process(cv2.cvtColor(bgr[y1:y2, x1:x2], cv2.COLOR_BGR2RGB))
    if result.pose_landmarks is None:
        return None
    in_region = np.array([[p.x, p.y] for p in result.pose_landmarks.landmark])
    world_m = np.array([[p.x, p.y, p.z] for p in result.pose_world_landmarks.landmark])
    return in_region * [x2 - x1, y2 - y1] + [x1, y1], world_m


if __name__ == "__main__":
    main()
