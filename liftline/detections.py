"""What a detector finds: people with a box, a score and keypoints, per frame and per range of frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.files import artifacts
from liftline.ragged import check_shapes
from liftline.skeletons import (
    COCO17,
    COCO17_TO_HALPE26_HANDS,
    HALPE26_HANDS,
    KEYPOINT_SKELETONS,
    Skeleton,
    remap_joints,
    stored_skeleton,
)
from liftline.thumbnails import SIDE, Thumbnails

ARTIFACT, SCHEMA_VERSION = "detections", 2


@dataclass(frozen=True)
class People:
    """Everyone in one frame: N people, J joints of `skeleton`.

    boxes_px (N,4) float32 as x1, y1, x2, y2; scores (N,) in 0..1; keypoints_px (N,J,2) float32, NaN where missing;
    keypoint_scores (N,J) in 0..1, zero where missing. Pixels are those of the upright frame.
    """

    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    skeleton: Skeleton = COCO17

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that don't fit together."""
        n, joints = len(self.scores), len(self.skeleton)
        check_shapes(self, {"boxes_px": (n, 4), "keypoints_px": (n, joints, 2), "keypoint_scores": (n, joints)})

    def __len__(self) -> int:
        """Number of people."""
        return len(self.scores)

    @classmethod
    def empty(cls, skeleton: Skeleton = COCO17) -> People:
        """A frame without people."""
        joints = len(skeleton)
        shapes: tuple[tuple[int, ...], ...] = ((0, 4), (0,), (0, joints, 2), (0, joints))
        boxes_px, scores, keypoints_px, keypoint_scores = (np.zeros(shape, np.float32) for shape in shapes)
        return cls(boxes_px, scores, keypoints_px, keypoint_scores, skeleton)

    def take(self, order: NDArray[np.intp] | Sequence[int]) -> People:
        """The people at these positions, in this order."""
        index = np.asarray(order, np.intp)
        return replace(self, **{name: getattr(self, name)[index] for name in _PER_PERSON})

    @property
    def coco17(self) -> People:
        """The same people with COCO-17's keypoints alone."""
        own = {name: getattr(self, name)[:, : len(COCO17)] for name in _PER_KEYPOINT}
        return replace(self, **own, skeleton=COCO17)


@dataclass(frozen=True)
class Detections:
    """Everyone in the frames [frame_start, frame_stop): R rows, one per person and frame, ordered by frame.

    frame_index (R,) int64 positions in the plan's frame index; the other arrays are those of `People`, stacked.
    `detector` is the model's name. thumbnails are of the frames, for finding camera cuts; there are none where
    detections came without pictures.

    Example:
        >>> one = People(
        ...     boxes_px=np.array([[10, 20, 60, 180]], np.float32),
        ...     scores=np.array([0.9], np.float32),
        ...     keypoints_px=np.full((1, len(COCO17), 2), 50, np.float32),
        ...     keypoint_scores=np.full((1, len(COCO17)), 0.8, np.float32),
        ... )
        >>> found = Detections.from_frames([(0, one), (1, People.empty())], start=0, stop=2, detector="mine")
        >>> len(found), len(found.people(0)), len(found.people(1))
        (1, 1, 0)
        >>> found.people(0).keypoints_px[0, COCO17.index["left_wrist"]].tolist()
        [50.0, 50.0]
    """

    frame_start: int
    frame_stop: int
    frame_index: NDArray[np.int64]
    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    detector: str
    thumbnails: Thumbnails = field(default_factory=Thumbnails.empty)
    skeleton: Skeleton = COCO17

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that don't fit together, and for rows out of order or out of range."""
        rows, joints = len(self.frame_index), len(self.skeleton)
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
        """Everyone in one frame; empty for a frame outside [frame_start, frame_stop)."""
        rows = slice(*np.searchsorted(self.frame_index, [frame, frame + 1]))
        return People(**{name: getattr(self, name)[rows] for name in _PER_PERSON}, skeleton=self.skeleton)

    def between(self, start: int, stop: int) -> Detections:
        """Those in frames [start, stop), without thumbnails."""
        rows = slice(*np.searchsorted(self.frame_index, [start, stop]))
        own = {name: getattr(self, name)[rows] for name in _ROWS}
        return replace(self, frame_start=start, frame_stop=stop, thumbnails=Thumbnails.empty(), **own)

    @classmethod
    def from_frames(
        cls, frames: Sequence[tuple[int, People]], *, start: int, stop: int, detector: str,
        thumbnails: Thumbnails | None = None,
    ) -> Detections:  # fmt: skip
        """Stack `(frame index, people)` pairs given in frame order; all people are of one skeleton."""
        index = np.repeat([i for i, _ in frames], [len(p) for _, p in frames]).astype(np.int64)
        skeleton = _common_skeleton([p.skeleton for _, p in frames])
        found = [p for _, p in frames if len(p)] or [People.empty(skeleton)]
        return cls(
            frame_start=start, frame_stop=stop, frame_index=index, detector=detector, skeleton=skeleton,
            thumbnails=Thumbnails.empty() if thumbnails is None else thumbnails,
            **{name: np.concatenate([getattr(p, name) for p in found]) for name in _PER_PERSON},
        )  # fmt: skip

    @classmethod
    def concatenate(cls, parts: Sequence[Detections]) -> Detections:
        """Join the detections of consecutive segments. Raises ValueError where they don't meet.

        Where only some have feet and hands, those of the others are missing.
        """
        if not parts:
            raise ValueError("nothing to concatenate")
        for before, after in itertools.pairwise(parts):
            if before.frame_stop != after.frame_start:
                raise ValueError(f"segments don't meet: {before.frame_stop} then {after.frame_start}")
        if {part.skeleton.name for part in parts} == {COCO17.name, HALPE26_HANDS.name}:
            parts = [part._with_feet_and_hands() for part in parts]
        rows = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _ROWS}
        thumbnails = Thumbnails.concatenate([p.thumbnails for p in parts])
        return cls(
            frame_start=parts[0].frame_start, frame_stop=parts[-1].frame_stop, detector=parts[0].detector,
            skeleton=_common_skeleton([p.skeleton for p in parts]), thumbnails=thumbnails, **rows,
        )  # fmt: skip

    def _with_feet_and_hands(self) -> Detections:
        if self.skeleton != COCO17:
            return self
        points_px = remap_joints(self.keypoints_px, COCO17_TO_HALPE26_HANDS, missing=np.nan)
        scores = remap_joints(self.keypoint_scores, COCO17_TO_HALPE26_HANDS, missing=0)
        return replace(self, keypoints_px=points_px, keypoint_scores=scores, skeleton=HALPE26_HANDS)


def _common_skeleton(skeletons: Sequence[Skeleton]) -> Skeleton:
    first = skeletons[0] if skeletons else COCO17
    for other in skeletons:
        if other != first:
            raise ValueError(f"keypoints of two skeletons, {first.name} and {other.name}")
    return first


_PER_KEYPOINT = ("keypoints_px", "keypoint_scores")
_PER_PERSON = ("boxes_px", "scores", *_PER_KEYPOINT)
_ROWS = ("frame_index", *_PER_PERSON)


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
            "skeleton": detections.skeleton.name,
        },
    )


def load(path: Path) -> Detections:
    """Read a segment's detections. Raises InvalidArtifactError: no such file, another kind, version or skeleton."""
    npz, name = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION), str(path)
    skeleton = stored_skeleton(npz.meta.get("skeleton"), known=KEYPOINT_SKELETONS, file=name)
    forms: dict[str, artifacts.ArrayForm] = {
        "frame_index": ((None,), np.int64),
        "boxes_px": ((None, 4), np.float32),
        "scores": ((None,), np.float32),
        "keypoints_px": ((None, len(skeleton), 2), np.float32),
        "keypoint_scores": ((None, len(skeleton)), np.float32),
        "thumbnail_frames": ((None,), np.int64),
        "thumbnails": ((None, SIDE, SIDE), np.uint8),
    }
    arrays = artifacts.checked_arrays(npz, forms, name=name)
    with artifacts.consistent(name):
        return Detections(
            frame_start=int(npz.meta["frame_start"]),
            frame_stop=int(npz.meta["frame_stop"]),
            detector=str(npz.meta["detector"]),
            thumbnails=Thumbnails(arrays.pop("thumbnail_frames"), arrays.pop("thumbnails")),
            skeleton=skeleton,
            **arrays,
        )
