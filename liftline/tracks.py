"""People followed through a video: rows grouped by track, gaps between observations filled and marked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.files import artifacts
from liftline.ragged import check_grouping, check_shapes, rows_of
from liftline.skeletons import COCO17

ARTIFACT, SCHEMA_VERSION = "tracks", 1


@dataclass(frozen=True)
class Tracks:
    """2D tracks of a whole video.

    frame_times_s (F,) presentation time of every frame, seconds, the first frame at 0.
    track_ids (P,) int64, most prominent first; the rows of track p are row_offsets[p]:row_offsets[p+1] (P+1,).
    Per row: frame_index (R,) int64, consecutive inside a track (a track has no holes); boxes_px (R,4); scores (R,);
    keypoints_px (R,17,2), never NaN; keypoint_scores (R,17); observed (R,) bool, False where interpolated.
    """

    video: str
    width_px: int
    height_px: int
    detector: str
    frame_times_s: NDArray[np.float64]
    track_ids: NDArray[np.int64]
    row_offsets: NDArray[np.int64]
    frame_index: NDArray[np.int64]
    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    observed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check shapes and grouping once, here at the border."""
        rows, joints = len(self.frame_index), len(COCO17)
        want = {
            "row_offsets": (len(self.track_ids) + 1,),
            "boxes_px": (rows, 4),
            "scores": (rows,),
            "keypoints_px": (rows, joints, 2),
            "keypoint_scores": (rows, joints),
            "observed": (rows,),
        }
        check_shapes(self, want)
        check_grouping(self.row_offsets, self.frame_index, len(self.frame_times_s))
        inside = np.diff(self.frame_index) == 1
        inside[self.row_offsets[1:-1] - 1] = True
        if not inside.all():
            raise ValueError("the frames of a track must be consecutive")

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.track_ids)

    def rows(self, position: int) -> slice:
        """The rows of the track at this position (0 is the most prominent person)."""
        return rows_of(self.row_offsets, position)


_ARRAYS: dict[str, tuple[tuple[int | None, ...], type]] = {
    "frame_times_s": ((None,), np.float64),
    "track_ids": ((None,), np.int64),
    "row_offsets": ((None,), np.int64),
    "frame_index": ((None,), np.int64),
    "boxes_px": ((None, 4), np.float32),
    "scores": ((None,), np.float32),
    "keypoints_px": ((None, 17, 2), np.float32),
    "keypoint_scores": ((None, 17), np.float32),
    "observed": ((None,), np.bool_),
}


def save(path: Path, tracks: Tracks) -> None:
    """Write tracks as a versioned npz."""
    artifacts.save_npz(
        path,
        artifact=ARTIFACT,
        schema_version=SCHEMA_VERSION,
        arrays={name: getattr(tracks, name) for name in _ARRAYS},
        meta={
            "video": tracks.video,
            "width_px": tracks.width_px,
            "height_px": tracks.height_px,
            "detector": tracks.detector,
            "skeleton": COCO17.name,
        },
    )


def load(path: Path) -> Tracks:
    """Read tracks. Raises InvalidArtifactError."""
    npz = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION)
    arrays = {
        key: artifacts.array(npz, key, shape=shape, dtype=dtype, name=str(path))
        for key, (shape, dtype) in _ARRAYS.items()
    }
    with artifacts.consistent(str(path)):
        return Tracks(
            video=str(npz.meta["video"]),
            width_px=int(npz.meta["width_px"]),
            height_px=int(npz.meta["height_px"]),
            detector=str(npz.meta["detector"]),
            **arrays,
        )
