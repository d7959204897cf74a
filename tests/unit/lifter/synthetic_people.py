"""Synthetic 2D scenes for tracking tests: walking stick figures, found as a detector would find them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections, People
from liftline.progress import FrameCounter, StopFlag
from liftline_lifter.tracking.identities import Identities, find_identities
from liftline_lifter.tracking.settings import TrackSettings

FPS = 30.0

# COCO-17 for a figure of height 1 that stands with its head at the top (y down), seen from the side.
_TEMPLATE = np.array(
    [
        (0.03, 0.07), (0.02, 0.05), (0.02, 0.05), (0.0, 0.06), (0.0, 0.06),
        (0.01, 0.18), (-0.01, 0.18), (0.02, 0.34), (-0.02, 0.34), (0.03, 0.48), (-0.03, 0.48),
        (0.01, 0.52), (-0.01, 0.52), (0.02, 0.74), (-0.02, 0.74), (0.02, 0.96), (-0.02, 0.96),
    ]
)  # fmt: skip
_SWING = np.array([0, 0, 0, 0, 0, 0.01, -0.01, -0.04, 0.04, -0.1, 0.1, 0, 0, 0.08, -0.08, 0.2, -0.2])


def walker(
    frames: int,
    *,
    x_px: float,
    speed_px_s: float,
    y_px: float = 100.0,
    height_px: float = 300.0,
    phase: float = 0.0,
    fps: float = FPS,
) -> NDArray[np.float64]:
    """(F,17,2) keypoints of someone who walks sideways."""
    time_s = np.arange(frames)[:, None] / fps
    swing = np.sin(2 * np.pi * 0.9 * time_s + phase) * _SWING
    facing = np.sign(speed_px_s) or 1.0
    x = x_px + speed_px_s * time_s + height_px * (facing * _TEMPLATE[:, 0] + swing)
    y = np.broadcast_to(y_px + height_px * _TEMPLATE[:, 1], x.shape)
    return np.stack([x, y], axis=-1)


def as_people(keypoints: Sequence[NDArray[np.float64]], scores: Sequence[float]) -> People:
    """Stack people of one frame; boxes are the keypoints' extents with a margin."""
    if not keypoints:
        return People.empty()
    points = np.stack(keypoints)
    low, high = np.nanmin(points, axis=1), np.nanmax(points, axis=1)
    margin = 0.08 * (high - low).max(axis=1, keepdims=True)
    boxes = np.concatenate([low - margin, high + margin], axis=1)
    sure = np.where(np.isfinite(points).all(axis=-1), np.asarray(scores)[:, None], 0)
    as_float = (value.astype(np.float32) for value in (boxes, np.asarray(scores), points, sure))
    return People(*as_float)


def detect(
    people: Sequence[NDArray[np.float64]],
    present: Sequence[NDArray[np.bool_]] | None = None,
    *,
    noise_px: float = 2.0,
    seed: int = 0,
    shuffle: bool = True,
) -> Detections:
    """Detections of people (F,17,2), in random order in every frame, where `present` (F,) says they're found."""
    rng = np.random.default_rng(seed)
    frames = len(people[0])
    shown = present or [np.ones(frames, np.bool_)] * len(people)
    found = []
    for frame in range(frames):
        here = [person[frame] for person, mask in zip(people, shown, strict=True) if mask[frame]]
        noisy = [points + rng.normal(0, noise_px, points.shape) for points in here]
        order = rng.permutation(len(noisy)) if shuffle else np.arange(len(noisy))
        found.append((frame, as_people([noisy[i] for i in order], [0.9] * len(noisy))))
    return Detections.from_frames(found, start=0, stop=frames, detector="synthetic")


def owners(
    detections: Detections,
    people: Sequence[NDArray[np.float64]],
    tracks: Sequence[NDArray[np.intp]],
    *,
    besides: NDArray[np.bool_] | None = None,
) -> list[set[int]]:
    """For each track, whom its rows really show, besides some frames: the person whose true keypoints are nearest."""
    truth = np.stack(people)
    out = []
    for rows in tracks:
        counted = rows if besides is None else rows[~besides[detections.frame_index[rows]]]
        frames = detections.frame_index[counted]
        apart = np.linalg.norm(truth[:, frames] - detections.keypoints_px[counted], axis=-1)
        out.append(set(np.nanmean(apart, axis=-1).argmin(axis=0).tolist()))
    return out


def find(detections: Detections, *, fps: float = FPS, settings: TrackSettings | None = None) -> list[NDArray[np.intp]]:
    """Track a scene at an even frame rate."""
    times_s = np.arange(detections.frame_stop) / fps
    return identities(detections, times_s, settings=settings).people


def identities(
    detections: Detections, times_s: NDArray[np.float64], *, settings: TrackSettings | None = None,
    width_px: int | None = None,
) -> Identities:  # fmt: skip
    """Who is who, without anyone to watch."""
    settings = settings or TrackSettings()
    return find_identities(
        detections, times_s, settings=settings, stop=StopFlag(), progress=FrameCounter(), width_px=width_px
    )  # fmt: skip
