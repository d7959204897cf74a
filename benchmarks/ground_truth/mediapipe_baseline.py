"""MediaPipe's own 3D world landmarks of the people in a video: the baseline a user would otherwise have.

The legacy pose solution (complexity 1: the models the project's detector uses too) follows one person, so everyone is
looked for in a region of their own, which is made from the reference: a perfect person detector. The solution runs in
a Python of its own that has `mediapipe`, given by `--mediapipe-python`: the script is `mediapipe_script.py` beside it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.ground_truth.matching import LIMBS_H36M
from liftline.errors import InvalidInputError
from liftline.poses import Poses
from liftline.skeletons import BLAZEPOSE33, BLAZEPOSE33_TO_COCO17, COCO17, H36M17, LIMB_JOINTS

MARGIN = 0.25
"""A region is wider than the limb joints by this share of its longer side, on every side: head, hands and feet."""
TIMEOUT_S = 900.0

_SCRIPT = Path(__file__).with_name("mediapipe_script.py")
_LIMBS_BLAZEPOSE = BLAZEPOSE33.indices(*(joint.replace("_foot", "_ankle") for joint in LIMB_JOINTS))


@dataclass(frozen=True)
class Found:
    """What MediaPipe found: found (P,F); landmarks_px (P,F,33,2); world_m (P,F,33,3), camera axes, hip at 0."""

    found: NDArray[np.bool_]
    landmarks_px: NDArray[np.float64]
    world_m: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> Found:
        """Read what the script wrote."""
        with np.load(path, allow_pickle=False) as npz:
            return cls(npz["found"], npz["landmarks_px"], npz["world_m"])


def regions_px(limbs_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,F,12,2) limb joints in the picture -> (P,F,4) where to look, x1, y1, x2, y2; NaN where joints are missing."""
    low, high = limbs_px.min(axis=2), limbs_px.max(axis=2)
    margin = MARGIN * (high - low).max(axis=-1, keepdims=True)
    return np.concatenate([low - margin, high + margin], axis=-1)


def look(python: Path, video: Path, limbs_px: NDArray[np.float64]) -> Found:
    """Run MediaPipe on the people (P,F,12,2) of a video. Raises InvalidInputError where that Python can't."""
    with TemporaryDirectory() as folder:
        regions, out = Path(folder, "regions.npz"), Path(folder, "found.npz")
        np.savez(regions, regions_px=regions_px(limbs_px))
        command = [str(python), str(_SCRIPT), str(video), str(regions), str(out)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
            raise InvalidInputError(f"{python} can't run MediaPipe on {video.name}: {' '.join(said)}") from error
        return Found.load(out)


def as_poses(found: Found, video: Path, *, width_px: int, height_px: int) -> Poses:
    """What MediaPipe found as if it were a result of the pipeline's: one track per person that was found at all."""
    people = np.flatnonzero(found.found.any(axis=1))
    frames = [np.flatnonzero(found.found[person]) for person in people]
    person, frame = np.repeat(people, [len(own) for own in frames]), np.concatenate([*frames, np.zeros(0, np.intp)])
    joints = np.zeros((len(frame), len(H36M17), 3), np.float32)
    joints[:, LIMBS_H36M] = found.world_m[person, frame][:, _LIMBS_BLAZEPOSE]
    return Poses(
        video=video.name,
        width_px=width_px,
        height_px=height_px,
        focal_px=float("nan"),
        frame_times_s=np.arange(found.found.shape[1], dtype=np.float64),
        track_ids=people.astype(np.int64) + 1,
        row_offsets=np.cumsum([0, *(len(own) for own in frames)], dtype=np.int64),
        frame_index=frame.astype(np.int64),
        joints_m=joints,
        root_cam_m=np.zeros((len(frame), 3), np.float32),
        keypoints_px=found.landmarks_px[person, frame][:, BLAZEPOSE33_TO_COCO17].astype(np.float32),
        keypoint_scores=np.ones((len(frame), len(COCO17)), np.float32),
        observed=np.ones(len(frame), np.bool_),
    )
