"""3D poses of everyone in a video, as rows: `load(path)` gives them typed, `.dense(track)` one person with NaN gaps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.errors import UsageError
from liftline.files import artifacts
from liftline.ragged import check_grouping, check_shapes, rows_of
from liftline.skeletons import H36M17

ARTIFACT, SCHEMA_VERSION = "poses_3d", 1

SHORTEST_PERSON_M, TALLEST_PERSON_M = 0.4, 2.8
"""From a baby to the tallest person there ever was: heights that somebody can be said to have."""


@dataclass(frozen=True)
class Poses:
    """3D poses of a whole video, Human3.6M-17 joints.

    frame_times_s (F,) seconds; track_ids (P,) most prominent first; row_offsets (P+1,). Per row: frame_index (R,);
    joints_m (R,17,3) relative to the hip, camera space (x right, y down, z forward); root_cam_m (R,3) the hip in
    camera space; keypoints_px (R,17,2) and keypoint_scores (R,17) the COCO-17 keypoints they were lifted from;
    observed (R,) False where the keypoints were interpolated. focal_px is the focal length used for the roots, the
    principal point is the image's centre.
    """

    video: str
    width_px: int
    height_px: int
    focal_px: float
    frame_times_s: NDArray[np.float64]
    track_ids: NDArray[np.int64]
    row_offsets: NDArray[np.int64]
    frame_index: NDArray[np.int64]
    joints_m: NDArray[np.float32]
    root_cam_m: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    observed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check shapes once, here at the border."""
        rows = len(self.frame_index)
        want = {
            "row_offsets": (len(self.track_ids) + 1,),
            "joints_m": (rows, len(H36M17), 3),
            "root_cam_m": (rows, 3),
            "keypoints_px": (rows, 17, 2),
            "keypoint_scores": (rows, 17),
            "observed": (rows,),
        }
        check_shapes(self, want)
        check_grouping(self.row_offsets, self.frame_index, len(self.frame_times_s))

    def __len__(self) -> int:
        """Number of people."""
        return len(self.track_ids)

    def rows(self, position: int) -> slice:
        """The rows of the person at this position (0 is the most prominent)."""
        return rows_of(self.row_offsets, position)

    def dense(self, track: int) -> NDArray[np.float32]:
        """(F,17,3) joints of one track id, root-relative metres, NaN in frames without that person."""
        found = np.flatnonzero(self.track_ids == track)
        if not len(found):
            raise UsageError(f"{self.video}: no track {track}; there are {self.track_ids.tolist()}.")
        rows = self.rows(int(found[0]))
        out = np.full((len(self.frame_times_s), len(H36M17), 3), np.nan, np.float32)
        out[self.frame_index[rows]] = self.joints_m[rows]
        return out


_ARRAYS: dict[str, tuple[tuple[int | None, ...], type]] = {
    "frame_times_s": ((None,), np.float64),
    "track_ids": ((None,), np.int64),
    "row_offsets": ((None,), np.int64),
    "frame_index": ((None,), np.int64),
    "joints_m": ((None, 17, 3), np.float32),
    "root_cam_m": ((None, 3), np.float32),
    "keypoints_px": ((None, 17, 2), np.float32),
    "keypoint_scores": ((None, 17), np.float32),
    "observed": ((None,), np.bool_),
}


def save(path: Path, poses: Poses) -> None:
    """Write poses as a versioned npz."""
    artifacts.save_npz(
        path,
        artifact=ARTIFACT,
        schema_version=SCHEMA_VERSION,
        arrays={
            **{name: getattr(poses, name) for name in _ARRAYS},
            "skeleton": np.array(H36M17.name),
            "focal_px": np.array(poses.focal_px, np.float64),
        },
        meta={"video": poses.video, "width_px": poses.width_px, "height_px": poses.height_px},
    )


def load(path: Path) -> Poses:
    """Read poses. Raises InvalidArtifactError."""
    npz = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION)
    arrays = {
        key: artifacts.array(npz, key, shape=shape, dtype=dtype, name=str(path))
        for key, (shape, dtype) in _ARRAYS.items()
    }
    with artifacts.consistent(str(path)):
        return Poses(
            video=str(npz.meta["video"]),
            width_px=int(npz.meta["width_px"]),
            height_px=int(npz.meta["height_px"]),
            focal_px=float(npz.arrays["focal_px"]),
            **arrays,
        )
