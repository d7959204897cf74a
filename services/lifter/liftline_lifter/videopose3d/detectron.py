"""Detectron's `<video>.npz`, e.g. `clip.mp4.npz`: everyone in every frame, before anybody knows who is who.

VideoPose3D's inference scripts write it, its `prepare_data_2d_custom.py` makes a custom dataset of it. Per frame
`boxes[i]` is [[], (N,5)] as x1, y1, x2, y2, score, and `keypoints[i]` is [[], (N,4,17)] as x, y, logit, probability;
`metadata` has the width `w` and height `h`. Two writers are told apart by the logits: `infer_video_d2.py` (Detectron2)
sets them to 0 and its probability is a score in 0..1; `infer_video.py` (Detectron) fills them, and its probability is
spread over all pixels of a box, so that it says little. Files of others may hold the 26 keypoints of HALPE_26 or the
133 of COCO-WholeBody instead of COCO's 17.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path

from liftline.detections import Detections, People
from liftline.errors import InvalidInputError
from liftline.files import pickles
from liftline.skeletons import COCO17
from liftline_lifter.videopose3d._layouts import BY_COUNT, COCO

DETECTOR = "Detectron file"
ENTRIES = frozenset({"boxes", "keypoints", "metadata"})

_USUAL_LOGIT = 2.0  # Detectron draws keypoints above it
_NOBODY = np.zeros((0, 5), np.float32), np.zeros((0, 4, len(COCO17)), np.float32)
_REPAIR = "make it with VideoPose3D's infer_video_d2.py or with 'liftline detect'"


@dataclass(frozen=True)
class DetectronFile:
    """What such a file tells: the detections of a video of that size, whose file name the file's own name holds."""

    detections: Detections
    width_px: int
    height_px: int
    video: str


def write_detectron_file(path: Path, detections: Detections, *, width_px: int, height_px: int) -> None:
    """Write a whole video's detections, the highest score of a frame first, as `infer_video_d2.py` does.

    COCO's keypoints alone.

    That format has no missing keypoints: where we have none, the nearest one of the same body along its bones is
    written, with probability 0. Someone without any keypoint is left out. A frame without anybody is
    [[], []], which `prepare_data_2d_custom.py` interpolates; it fails on a video without anybody in any frame.

    Raises:
        OutputError: the file can't be written.
    """
    frames = detections.frame_stop - detections.frame_start
    pickles.save_npz(
        path,
        {
            "boxes": pickles.ObjectArray((frames, 2), _of_classes(map(_boxes, _frames(detections)))),
            "segments": pickles.ObjectArray((frames,), itertools.repeat(None, frames)),
            "keypoints": pickles.ObjectArray((frames, 2), _of_classes(map(_keypoints, _frames(detections)))),
            "metadata": pickles.ObjectArray.single({"w": width_px, "h": height_px}),
        },
    )


def _frames(detections: Detections) -> Iterator[People]:
    for frame in range(detections.frame_start, detections.frame_stop):
        yield _with_all_keypoints(detections.people(frame).coco17)


def _with_all_keypoints(people: People) -> People:
    present = np.asarray(np.isfinite(people.keypoints_px).all(axis=-1), np.bool_)
    order = np.argsort(-people.scores, kind="stable")
    people, present = people.take(order), present[order]
    if present.all():
        return people
    people, present = people.take(np.flatnonzero(present.any(axis=1))), present[present.any(axis=1)]
    nearest = np.take_along_axis(_BY_BONES[None], present[:, _BY_BONES].argmax(axis=-1)[..., None], axis=-1)[..., 0]
    keypoints = np.take_along_axis(people.keypoints_px, nearest[..., None], axis=1)
    return People(people.boxes_px, people.scores, keypoints, np.where(present, people.keypoint_scores, 0))


_BONES = np.zeros((len(COCO17), len(COCO17)))
_BONES[tuple(np.transpose(COCO17.edges))] = 1
_BY_BONES = np.argsort(shortest_path(_BONES, directed=False, unweighted=True), axis=1, kind="stable")
"""(17,17) for every joint all joints, the nearest along the bones first, beginning with itself."""


def _of_classes(found: Iterator[Any]) -> Iterator[Any]:
    """A frame's two cells: class 0 is the background, class 1 are people."""
    for people in found:
        yield []
        yield people if len(people) else []


def _boxes(people: People) -> NDArray[np.float32]:
    return np.concatenate([people.boxes_px, people.scores[:, None]], axis=1).astype(np.float32)


def _keypoints(people: People) -> NDArray[np.float32]:
    logits = np.zeros_like(people.keypoint_scores)
    columns = [people.keypoints_px[..., 0], people.keypoints_px[..., 1], logits, people.keypoint_scores]
    return np.stack(columns, axis=1).astype(np.float32)


def read_detectron_file(path: Path) -> DetectronFile:
    """Read anyone's file. Nothing in it is executed.

    Keypoints of probability 0 are missing (NaN). Where there are logits, a keypoint's score is 0.5 at the logit
    above which Detectron draws it, and rises and falls with it as a logistic function.

    Raises:
        InvalidInputError: no such file, or a broken one.
        UnsafePickleError: it holds more than plain data.
    """
    boxes, keypoints, counts, (width_px, height_px) = _rows(path)
    layout = BY_COUNT[keypoints.shape[2]]
    frame_index, usable = np.repeat(np.arange(len(counts)), counts), np.isfinite(boxes).all(axis=1)
    if not usable.all():
        boxes, keypoints, frame_index = boxes[usable], keypoints[usable], frame_index[usable]
    points, scores = _points_and_scores(keypoints)
    found = Detections(
        0, len(counts), frame_index, boxes[:, :4], boxes[:, 4].clip(0, 1),
        layout.keypoints(points).astype(np.float32, copy=False), layout.scores(scores).astype(np.float32, copy=False),
        DETECTOR, skeleton=layout.skeleton,
    )  # fmt: skip
    return DetectronFile(found, width_px, height_px, path.name.removesuffix(".npz"))


def _rows(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32], list[int], tuple[int, int]]:
    """Boxes and keypoints of all frames, how many are of each, and the size of the video."""
    entries = pickles.load_npz(path, entries=ENTRIES)
    if entries.keys() != ENTRIES:
        raise InvalidInputError(f"{path}: no Detectron file (it has {sorted(entries) or 'no entries'}); {_REPAIR}.")
    boxes, keypoints = entries["boxes"], entries["keypoints"]
    if not boxes.ndim or not keypoints.ndim or len(boxes) != len(keypoints) or not len(boxes):
        raise InvalidInputError(f"{path}: boxes and keypoints are not of the same frames; {_REPAIR}.")
    frames = []
    for frame in range(len(boxes)):
        try:
            frames.append(_people(boxes[frame], keypoints[frame]))
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidInputError(f"{path}: frame {frame + 1} is broken ({error}); {_REPAIR}.") from error
    size, counts = _size(entries["metadata"], path), [len(found) for found, _ in frames]
    sets = {found.shape[2] for _, found in frames if len(found)} or {COCO.count}
    if len(sets) > 1:
        raise InvalidInputError(f"{path}: some people have {min(sets)} keypoints, others {max(sets)}; {_REPAIR}.")
    all_boxes = np.concatenate([_NOBODY[0], *(found for found, _ in frames)])
    none = np.zeros((0, 4, *sets), np.float32)
    return all_boxes, np.concatenate([none, *(found for _, found in frames if len(found))]), counts, size


def _size(metadata: NDArray[Any], path: Path) -> tuple[int, int]:
    facts: Any = metadata.item() if metadata.ndim == 0 else None
    try:
        width, height = int(facts["w"]), int(facts["h"])
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise InvalidInputError(f"{path}: its metadata has no width and height; {_REPAIR}.") from error
    if width < 1 or height < 1:
        raise InvalidInputError(f"{path}: a video of {width}x{height} pixels can't be; {_REPAIR}.")
    return width, height


def _people(boxes: Any, keypoints: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One frame's (N,5) boxes with scores and (N,4,J) keypoints; N is 0 where either has nobody."""
    boxes, keypoints = _of_people(boxes), _of_people(keypoints)
    if not len(boxes) or not len(keypoints):
        return _NOBODY
    known = keypoints.ndim == 3 and keypoints.shape[1] in (4, 6) and keypoints.shape[2] in BY_COUNT
    if boxes.ndim != 2 or boxes.shape[1] < 5 or not known:
        raise ValueError(f"boxes of shape {boxes.shape}, keypoints of shape {keypoints.shape}")
    if len(boxes) != len(keypoints):
        raise ValueError(f"{len(boxes)} boxes, but keypoints of {len(keypoints)} people")
    return boxes[:, :5], keypoints[:, :4]


def _of_people(classes: Any) -> NDArray[np.float32]:
    """The second of two classes, people. Detectron has None where it found nobody, and a list of arrays otherwise."""
    if classes is None:
        return _NOBODY[0]
    if not isinstance(classes, (list, tuple, np.ndarray)) or len(classes) < 2:
        raise ValueError("no entry for people")
    return np.asarray(classes[1], np.float32)


def _points_and_scores(keypoints: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(R,J,2) pixels, NaN where missing, and (R,J) scores, 0 there."""
    points, logits, probabilities = keypoints[:, :2].transpose(0, 2, 1), keypoints[:, 2], keypoints[:, 3]
    present = np.isfinite(keypoints).all(axis=1) & (probabilities > 0)
    scores = 1 / (1 + np.exp(_USUAL_LOGIT - logits.clip(-80, 80))) if logits.any() else probabilities.clip(0, 1)
    return np.where(present[..., None], points, np.nan), np.where(present, scores, 0).astype(np.float32)
