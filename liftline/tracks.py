"""People followed through a video: rows grouped by track, gaps between observations filled and marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.files import artifacts
from liftline.ragged import check_grouping, check_shapes, rows_of
from liftline.skeletons import COCO17, KEYPOINT_SKELETONS, Skeleton, stored_skeleton

ARTIFACT, SCHEMA_VERSION = "tracks", 1


@dataclass(frozen=True)
class Tracks:
    """2D tracks of a whole video of F frames: P people, R rows, one per person and frame; J joints of `skeleton`.

    frame_times_s (F,) presentation time of every frame, seconds, the first frame at 0.
    track_ids (P,) int64, most prominent first; the rows of track p are row_offsets[p]:row_offsets[p+1] (P+1,).
    Per row: frame_index (R,) int64, consecutive inside a track (a track has no holes); boxes_px (R,4) as x1, y1, x2,
    y2; scores (R,) in 0..1; keypoints_px (R,J,2) and keypoint_scores (R,J) in 0..1; observed (R,) bool, False where
    the whole row is interpolated. The first 17 keypoints, COCO's, are never NaN, with score 0 where interpolated;
    further ones are NaN, with score 0, where they were not seen.

    Example:
        >>> tracks = load(Path("outputs/custom_data/tracks_clip.npz"))  # doctest: +SKIP
        >>> tracks = Tracks(
        ...     video="clip.mp4", width_px=640, height_px=480, detector="mine", frame_times_s=np.arange(3) / 25,
        ...     track_ids=np.array([1]), row_offsets=np.array([0, 2]), frame_index=np.array([1, 2]),
        ...     boxes_px=np.zeros((2, 4), np.float32), scores=np.ones(2, np.float32),
        ...     keypoints_px=np.zeros((2, len(COCO17), 2), np.float32),
        ...     keypoint_scores=np.ones((2, len(COCO17)), np.float32), observed=np.array([True, True]),
        ... )
        >>> rows = tracks.rows(0)  # of the most prominent person
        >>> tracks.frame_index[rows].tolist(), tracks.keypoints_px[rows].shape
        ([1, 2], (2, 17, 2))
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
    skeleton: Skeleton = COCO17

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that don't fit together, and for a track with a hole."""
        rows, joints = len(self.frame_index), len(self.skeleton)
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

    @property
    def coco17(self) -> Tracks:
        """The same tracks with COCO-17's keypoints alone, of which none is NaN."""
        if self.skeleton == COCO17:
            return self
        points_px, scores = (values[:, : len(COCO17)].copy() for values in (self.keypoints_px, self.keypoint_scores))
        return replace(self, keypoints_px=points_px, keypoint_scores=scores, skeleton=COCO17)


def _arrays(joints: int) -> dict[str, artifacts.ArrayForm]:
    """Shape and type of every array in a file."""
    return {
        "frame_times_s": ((None,), np.float64),
        "track_ids": ((None,), np.int64),
        "row_offsets": ((None,), np.int64),
        "frame_index": ((None,), np.int64),
        "boxes_px": ((None, 4), np.float32),
        "scores": ((None,), np.float32),
        "keypoints_px": ((None, joints, 2), np.float32),
        "keypoint_scores": ((None, joints), np.float32),
        "observed": ((None,), np.bool_),
    }


def save(path: Path, tracks: Tracks) -> None:
    """Write tracks as a versioned npz."""
    artifacts.save_npz(
        path,
        artifact=ARTIFACT,
        schema_version=SCHEMA_VERSION,
        arrays={name: getattr(tracks, name) for name in _arrays(len(tracks.skeleton))},
        meta={
            "video": tracks.video,
            "width_px": tracks.width_px,
            "height_px": tracks.height_px,
            "detector": tracks.detector,
            "skeleton": tracks.skeleton.name,
        },
    )


def load(path: Path) -> Tracks:
    """Read tracks. Raises InvalidArtifactError: no such file, another kind, version or skeleton, damaged."""
    npz = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION)
    skeleton = stored_skeleton(npz.meta.get("skeleton"), known=KEYPOINT_SKELETONS, file=str(path))
    arrays = artifacts.checked_arrays(npz, _arrays(len(skeleton)), name=str(path))
    with artifacts.consistent(str(path)):
        return Tracks(
            video=str(npz.meta["video"]),
            width_px=int(npz.meta["width_px"]),
            height_px=int(npz.meta["height_px"]),
            detector=str(npz.meta["detector"]),
            skeleton=skeleton,
            **arrays,
        )
