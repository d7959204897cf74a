"""What a detector does to the keypoints of a whole clip.

`WHITE` is the fixed evaluation's noise (`training.augmentation.noise.evaluation_noise`), its offset held over the clip.
`LIFELIKE` has what training shows the network, and more: jitter that lasts a few frames, slow drift, offsets, limbs and
bodies with sides exchanged, limbs taken for something else, joints that get lost, single keypoints that jump away, and
scores that tell some of it. Its levels are what `benchmarks.detection.keypoint_noise` measured of BlazePose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from liftline.skeletons import COCO17
from training.augmentation.noise import EVALUATION_BIAS, EVALUATION_JITTER, LIMBS, drift

Floats = NDArray[np.float64]


class Noise(Enum):
    """Kinds of simulated detectors."""

    CLEAN = "clean"
    WHITE = "white"
    LIFELIKE = "lifelike"


@dataclass(frozen=True)
class Keypoints:
    """xy_px (T,17,2), NaN where lost; scores (T,17), 0 where lost."""

    xy_px: Floats
    scores: Floats


LEGS = COCO17.indices("left_knee", "right_knee", "left_ankle", "right_ankle")
ARMS = COCO17.indices("left_elbow", "right_elbow", "left_wrist", "right_wrist")
_KEYPOINTS = len(COCO17)
_SURE, _UNSURE = 0.9, 0.4
_REFERENCE_HZ = 50.0
_JITTER_TIME_S = 0.02
_JITTER, _DRIFT, _OFFSET = 0.005, 0.0047, 0.004
"""Of the person's size: jitter's median level; scales of gamma distributions with shape 2."""
_SWAPS_PER_MINUTE = {"body": 1.0, "legs": 2.0, "arms": 1.5}
_LOST_PER_MINUTE = 6.0
_JUMPS_PER_MINUTE = 20.0
_MISTAKES_PER_MINUTE = 15.0
"""Of each arm and leg: the whole limb somewhere else, for a tenth of the time."""
_ONTO_THE_OTHER = 0.4
_UNSURE_PER_MINUTE = 9.0
_SWAP_S, _LOST_S, _JUMP_S, _MISTAKE_S = (0.04, 0.5), (0.04, 0.6), (0.02, 0.08), (0.2, 0.6)


def detected(xy_px: Floats, noise: Noise, rate_hz: float, rng: np.random.Generator) -> Keypoints:
    """True keypoints (T,17,2) in pixels -> as found."""
    size = _sizes_px(xy_px)
    if noise is Noise.CLEAN:
        return Keypoints(xy_px, np.full(xy_px.shape[:2], _SURE))
    if noise is Noise.WHITE:
        jitter = rng.standard_normal(xy_px.shape) * EVALUATION_JITTER
        bias = rng.standard_normal((1, _KEYPOINTS, 2)) * EVALUATION_BIAS
        return Keypoints(xy_px + (jitter + bias) * size, np.full(xy_px.shape[:2], _SURE))
    found = xy_px + _steady_errors(len(xy_px), rate_hz, rng) * size
    scores = np.clip(rng.normal(_SURE, 0.05, xy_px.shape[:2]), 0.5, 1.0)
    _mistake(found, scores, size, rate_hz, rng)
    _jump(found, scores, size, rate_hz, rng)
    _swap(found, scores, rate_hz, rng)
    _lose(found, scores, rate_hz, rng)
    scores[np.isnan(found).any(axis=-1)] = 0.0
    return Keypoints(found, scores)


def _sizes_px(xy_px: Floats) -> Floats:
    """(T,1,1) longer side of the box around the person, of the frames nearby."""
    side = np.ptp(xy_px, axis=1).max(axis=-1)
    return np.asarray(np.maximum(side, np.median(side) / 2)[:, None, None], np.float64)


def _steady_errors(frames: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    """(T,17,2) jitter, drift and offsets, in sizes of the person; the levels are those of training."""
    level = np.exp(rng.normal(np.log(_JITTER), 0.5)) * rng.gamma(4, 0.25, (_KEYPOINTS, 1))
    kept = np.exp(-1 / (rate_hz * _JITTER_TIME_S))
    white = rng.standard_normal((frames, _KEYPOINTS, 2))
    jitter = lfilter([np.sqrt(1 - kept**2)], [1, -kept], white, axis=0) * level
    # `drift` counts in frames of 50 Hz.
    slow = drift(1, int(np.ceil(frames * _REFERENCE_HZ / rate_hz)) + 1, rng)[0].swapaxes(1, 2)
    at = np.round(np.arange(frames) * _REFERENCE_HZ / rate_hz).astype(np.intp)
    offset = rng.standard_normal((1, _KEYPOINTS, 2)) * rng.gamma(2, _OFFSET, (_KEYPOINTS, 1))
    return np.asarray(jitter + slow[at] * rng.gamma(2, _DRIFT, (_KEYPOINTS, 1)) + offset, np.float64)


def _spans(
    frames: int, rate_hz: float, per_minute: float, lasting_s: tuple[float, float], rng: np.random.Generator
) -> Iterator[slice]:
    """Random spans of frames."""
    for start in np.flatnonzero(rng.random(frames) < per_minute / (60 * rate_hz)).tolist():
        yield slice(start, min(start + max(1, round(rng.uniform(*lasting_s) * rate_hz)), frames))


def _mistake(found: Floats, scores: Floats, size: Floats, rate_hz: float, rng: np.random.Generator) -> None:
    """A limb is drawn somewhere else or onto its other side, there and back smoothly.

    Of that, and of limbs that are right, the scores tell some.
    """
    right = found.copy()
    for chain, other in zip(LIMBS, (*LIMBS[2:], *LIMBS[:2]), strict=True):
        for span in _spans(len(found), rate_hz, _MISTAKES_PER_MINUTE, _MISTAKE_S, rng):
            steps = span.stop - span.start
            eased = np.minimum(1.0, 3 * np.sin(np.pi * (np.arange(steps) + 0.5) / steps))[:, None, None]
            off = rng.normal(0, 1, (1, 2, 2)) * np.array([0.08, 0.13])[:, None] * size[span]
            if rng.random() < _ONTO_THE_OTHER:
                off = right[span][:, other] - right[span][:, chain]
            found[span, chain] += eased * off
            if rng.random() < 0.4:
                scores[span, chain] = rng.uniform(0.1, 0.5, (steps, 2))
        for span in _spans(len(found), rate_hz, _UNSURE_PER_MINUTE, _MISTAKE_S, rng):
            scores[span, chain] = rng.uniform(0.1, 0.5, scores[span, chain].shape)


def _jump(found: Floats, scores: Floats, size: Floats, rate_hz: float, rng: np.random.Generator) -> None:
    """Single keypoints land somewhere else on the person, and the detector is less sure of most of them."""
    for span in _spans(len(found), rate_hz, _JUMPS_PER_MINUTE, _JUMP_S, rng):
        joint = rng.integers(_KEYPOINTS)
        found[span, joint] += rng.normal(0, 0.12, 2) * size[span, 0]
        scores[span, joint] = rng.uniform(0.1, _SURE)


def _swap(found: Floats, scores: Floats, rate_hz: float, rng: np.random.Generator) -> None:
    """For a while left is taken for right: of the whole body, of the legs or of the arms."""
    for part, per_minute in _SWAPS_PER_MINUTE.items():
        order = COCO17.mirrored.copy()
        if part != "body":
            others = np.setdiff1d(np.arange(_KEYPOINTS), LEGS if part == "legs" else ARMS)
            order[others] = others
        for span in _spans(len(found), rate_hz, per_minute, _SWAP_S, rng):
            found[span], scores[span] = found[span][:, order], scores[span][:, order]


def _lose(found: Floats, scores: Floats, rate_hz: float, rng: np.random.Generator) -> None:
    """Some joints are lost: half of them altogether, half are wild guesses that the detector isn't sure of."""
    for span in _spans(len(found), rate_hz, _LOST_PER_MINUTE, _LOST_S, rng):
        joints = rng.integers(0, _KEYPOINTS, rng.integers(1, 4))
        if rng.random() < 0.5:
            found[span, joints], scores[span, joints] = np.nan, 0.0
        else:
            shape = found[span][:, joints].shape
            spread = 0.05 * np.ptp(found[span.start], axis=0).max()
            found[span, joints] += np.nan_to_num(rng.normal(0, spread, shape))
            scores[span, joints] = rng.uniform(0.02, _UNSURE, shape[:2])
