"""Which tracks are people worth lifting, and who matters most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.ports import StopToken
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.similarity import Shapes, paired_oks

_SHADOW_SHARE = 0.7
_SHADOW_OKS = 0.5
_BRIEF_SHADOW_OKS = 0.3
_BRIEF_S = 1.5
"""People overlap for a moment, too, but someone seen only in that moment is most likely the other, found twice."""


def select(
    tracks: list[NDArray[np.intp]],
    detections: Detections,
    *,
    frame_s: float,
    settings: TrackSettings,
    stop: StopToken,
) -> list[NDArray[np.intp]]:
    """Drop false, tiny and doubled tracks; order the rest by prominence.

    Args:
        tracks: rows of `detections` per track.
        detections: of a shot.
        frame_s: time between frames, seconds.
        settings: the limits.
        stop: asked at every track.
    """
    shot_frames = detections.frame_stop - detections.frame_start
    confirm = int(np.clip(round(settings.confirm_s / frame_s), 1, max(1, (shot_frames + 1) // 2)))
    people = [rows for rows in tracks if len(rows) >= confirm and _plausible(rows, detections, settings)]
    return _without_shadows(by_prominence(people, detections), detections, frame_s, stop)


def by_prominence(people: list[NDArray[np.intp]], detections: Detections) -> list[NDArray[np.intp]]:
    """In falling order of area x frames x score."""
    order = np.argsort([-_prominence(rows, detections) for rows in people], kind="stable")
    return [people[i] for i in order.tolist()]


def _sizes_px(rows: NDArray[np.intp], detections: Detections) -> NDArray[np.float64]:
    boxes = detections.boxes_px[rows].astype(np.float64)
    return np.asarray(np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)), np.float64)


def _plausible(rows: NDArray[np.intp], detections: Detections, settings: TrackSettings) -> bool:
    return bool(
        detections.scores[rows].mean() >= settings.min_score
        and _sizes_px(rows, detections).mean() >= settings.min_size_px
    )


def _prominence(rows: NDArray[np.intp], detections: Detections) -> float:
    return float((np.square(_sizes_px(rows, detections)) * detections.scores[rows]).sum())


def _without_shadows(
    tracks: list[NDArray[np.intp]], detections: Detections, frame_s: float, stop: StopToken
) -> list[NDArray[np.intp]]:
    """Drop tracks that for most of their time lie on a more prominent one: the same person found twice."""
    kept: list[NDArray[np.intp]] = []
    for rows in tracks:
        stop.raise_if_stopped()
        oks = _BRIEF_SHADOW_OKS if len(rows) * frame_s < _BRIEF_S else _SHADOW_OKS
        if not any(_shadows(rows, other, detections, oks) for other in kept):
            kept.append(rows)
    return kept


def _are_apart(rows: NDArray[np.intp], other: NDArray[np.intp], detections: Detections) -> bool:
    """Whether boxes mostly don't even touch: a quick answer for the many pairs of a crowd."""
    boxes, others = detections.boxes_px[rows], detections.boxes_px[other]
    touch = (boxes[:, :2] < others[:, 2:]).all(axis=1) & (others[:, :2] < boxes[:, 2:]).all(axis=1)
    return bool(touch.sum() < _SHADOW_SHARE * len(rows))


def _shadows(rows: NDArray[np.intp], other: NDArray[np.intp], detections: Detections, oks: float) -> bool:
    frames, others = detections.frame_index[rows], detections.frame_index[other]
    if frames[-1] < others[0] or others[-1] < frames[0]:
        return False
    _, here, there = np.intersect1d(frames, others, assume_unique=True, return_indices=True)
    if len(here) < _SHADOW_SHARE * len(rows) or _are_apart(rows[here], other[there], detections):
        return False
    alike = paired_oks(Shapes.rows(detections, rows[here]), Shapes.rows(detections, other[there]))
    return bool((alike > oks).sum() > _SHADOW_SHARE * len(rows))
