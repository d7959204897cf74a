"""What a detector finds: people with a box, a score and 17 COCO keypoints, per frame and per range of frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.files import artifacts
from liftline.ragged import check_shapes
from liftline.skeletons import COCO17
from liftline.thumbnails import SIDE, Thumbnails

ARTIFACT, SCHEMA_VERSION = "detections", 2


@dataclass(frozen=True)
class People:
    """Everyone in one frame.

    boxes_px (N,4) float32 as x1, y1, x2, y2; scores (N,) in 0..1; keypoints_px (N,17,2) float32, NaN where missing;
    keypoint_scores (N,17) in 0..1, zero where missing.
    """

    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check shapes once, here at the border."""
        n, joints = len(self.scores), len(COCO17)
        check_shapes(self, {"boxes_px": (n, 4), "keypoints_px": (n, joints, 2), "keypoint_scores": (n, joints)})

    def __len__(self) -> int:
        """Number of people."""
        return len(self.scores)

    @classmethod
    def nobody(cls) -> People:
        """An empty frame."""
        return cls(*_empty_rows())

    def take(self, order: NDArray[np.intp] | Sequence[int]) -> People:
        """The people at these positions, in this order."""
        index = np.asarray(order, np.intp)
        return People(self.boxes_px[index], self.scores[index], self.keypoints_px[index], self.keypoint_scores[index])


@dataclass(frozen=True)
class Detections:
    """Everyone in a half-open range of frames, one row per person and frame, ordered by frame.

    frame_index (R,) int64 positions in the plan's frame index; the other arrays are those of `People`, stacked.
    thumbnails are of the frames, for finding camera cuts; there are none where detections came without pictures.
    """

    frame_start: int
    frame_stop: int
    frame_index: NDArray[np.int64]
    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    detector: str
    thumbnails: Thumbnails = field(default_factory=Thumbnails.none)

    def __post_init__(self) -> None:
        """Check shapes and order once, here at the border."""
        rows, joints = len(self.frame_index), len(COCO17)
        want = {
            "boxes_px": (rows, 4),
            "scores": (rows,),
            "keypoints_px": (rows, joints, 2),
            "keypoint_scores": (rows, joints),
        }
        check_shapes(self, want)
        if np.any(np.diff(self.frame_index) < 0):
            raise ValueError("frame_index must be ordered")
        if not (self._covers(self.frame_index) and self._covers(self.thumbnails.frame_index)):
            raise ValueError("frame_index must be inside [frame_start, frame_stop)")

    def _covers(self, frames: NDArray[np.int64]) -> bool:
        return not len(frames) or bool(frames[0] >= self.frame_start and frames[-1] < self.frame_stop)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.frame_index)

    def people(self, frame: int) -> People:
        """Everyone in one frame."""
        rows = slice(*np.searchsorted(self.frame_index, [frame, frame + 1]))
        return People(self.boxes_px[rows], self.scores[rows], self.keypoints_px[rows], self.keypoint_scores[rows])

    def between(self, start: int, stop: int) -> Detections:
        """Those in frames [start, stop), without thumbnails."""
        rows = slice(*np.searchsorted(self.frame_index, [start, stop]))
        return Detections(
            frame_start=start, frame_stop=stop, detector=self.detector,
            **{name: getattr(self, name)[rows] for name in _ROWS},
        )  # fmt: skip

    @classmethod
    def from_frames(
        cls, frames: Sequence[tuple[int, People]], *, start: int, stop: int, detector: str,
        thumbnails: Thumbnails | None = None,
    ) -> Detections:  # fmt: skip
        """Stack `(frame index, people)` pairs given in frame order."""
        index = np.repeat([i for i, _ in frames], [len(p) for _, p in frames]).astype(np.int64)
        found = [p for _, p in frames if len(p)] or [People.nobody()]
        return cls(
            start,
            stop,
            index,
            np.concatenate([p.boxes_px for p in found]),
            np.concatenate([p.scores for p in found]),
            np.concatenate([p.keypoints_px for p in found]),
            np.concatenate([p.keypoint_scores for p in found]),
            detector,
            Thumbnails.none() if thumbnails is None else thumbnails,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Detections]) -> Detections:
        """Join the detections of consecutive segments."""
        if not parts:
            raise ValueError("nothing to concatenate")
        for before, after in itertools.pairwise(parts):
            if before.frame_stop != after.frame_start:
                raise ValueError(f"segments don't meet: {before.frame_stop} then {after.frame_start}")
        rows = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _ROWS}
        thumbnails = Thumbnails.concatenate([p.thumbnails for p in parts])
        return cls(
            frame_start=parts[0].frame_start, frame_stop=parts[-1].frame_stop, detector=parts[0].detector,
            thumbnails=thumbnails, **rows,
        )  # fmt: skip


def _empty_rows() -> tuple[NDArray[np.float32], ...]:
    joints = len(COCO17)
    shapes: list[tuple[int, ...]] = [(0, 4), (0,), (0, joints, 2), (0, joints)]
    return tuple(np.zeros(shape, np.float32) for shape in shapes)


_ROWS = ("frame_index", "boxes_px", "scores", "keypoints_px", "keypoint_scores")


def save(path: Path, detections: Detections) -> None:
    """Write a segment's detections as a versioned npz."""
    artifacts.save_npz(
        path,
        artifact=ARTIFACT,
        schema_version=SCHEMA_VERSION,
        arrays={
            **{name: getattr(detections, name) for name in _ROWS},
            "thumbnail_frames": detections.thumbnails.frame_index,
            "thumbnails": detections.thumbnails.grey,
        },
        meta={
            "frame_start": detections.frame_start,
            "frame_stop": detections.frame_stop,
            "detector": detections.detector,
            "skeleton": COCO17.name,
        },
    )


def load(path: Path) -> Detections:
    """Read a segment's detections. Raises InvalidArtifactError."""
    npz, name = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION), str(path)
    joints = len(COCO17)

    def rows(key: str, *shape: int) -> NDArray[np.float32]:
        return artifacts.array(npz, key, shape=(None, *shape), dtype=np.float32, name=name)

    with artifacts.consistent(name):
        return Detections(
            int(npz.meta["frame_start"]),
            int(npz.meta["frame_stop"]),
            artifacts.array(npz, "frame_index", shape=(None,), dtype=np.int64, name=name),
            rows("boxes_px", 4),
            rows("scores"),
            rows("keypoints_px", joints, 2),
            rows("keypoint_scores", joints),
            str(npz.meta["detector"]),
            Thumbnails(
                artifacts.array(npz, "thumbnail_frames", shape=(None,), dtype=np.int64, name=name),
                artifacts.array(npz, "thumbnails", shape=(None, SIDE, SIDE), dtype=np.uint8, name=name),
            ),
        )
