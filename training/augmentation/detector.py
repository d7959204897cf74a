"""What detectors do to the keypoints that a network learns from, and the scores that tell some of it.

Offsets, jitter and drift, exchanged sides, limbs seen elsewhere, guesses where something is hidden or outside the
picture, frames between the video's own, keypoints that a detector doesn't give. Levels follow errors on real video
(`python -m benchmarks.detection.keypoint_noise`). A score is about how likely a keypoint is right, as far as the
detector knows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17
from liftline_lifter.lifting.features import KEYPOINTS
from training.augmentation.noise import drift

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

_K = len(KEYPOINTS)
_OTHER_SIDE = KEYPOINTS.mirrored


def _named(*parts: str) -> list[int]:
    return [i for i, name in enumerate(KEYPOINTS.joints) if name.removeprefix("left_").removeprefix("right_") in parts]


_FEET, _HANDS = _named("heel", "big_toe", "small_toe"), _named("thumb", "index", "pinky")
_SMALL_TOES = _named("small_toe")
_TRUNK = COCO17.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def _exchanged(*parts: str) -> Indices:
    order = np.arange(_K)
    order[_named(*parts)] = _OTHER_SIDE[_named(*parts)]
    return order


_LEG, _ARM = ("knee", "ankle"), ("elbow", "wrist")
_FOOT, _HAND = ("heel", "big_toe", "small_toe"), ("thumb", "index", "pinky")
_SWAPS = (
    _OTHER_SIDE, _exchanged("hip", *_LEG, *_FOOT), _exchanged("shoulder", *_ARM, *_HAND), _exchanged(*_LEG, *_FOOT),
    _exchanged(*_FOOT), _exchanged(*_ARM, *_HAND),
)  # fmt: skip
_LIMBS = tuple(
    KEYPOINTS.indices(*(f"{side}_{part}" for part in parts))
    for side in ("left", "right") for parts in ((*_ARM, *_HAND), (*_LEG, *_FOOT))
)  # fmt: skip
"""An arm and a leg of each side: middle joint, end, and what hangs on it."""
_MISTAKEN = (0.3, 0.2, 0.3, 0.2)

_HARDER = np.ones(_K, np.float32)
for _parts, _factor in (
    (("nose", "eye", "ear"), 0.8),
    (("hip",), 1.1),
    (("wrist", "ankle"), 1.15),
    (_FOOT, 1.1),
    (_HAND, 1.25),
):
    _HARDER[_named(*_parts)] = _factor

_JITTER, _DRIFT, _OFFSET = 0.006, 0.0047, 0.004
"""In parts of the person's size: jitter's median level; scales of gamma distributions with shape 2."""
_DOUBTFUL = 0.06
"""An error of this share of the person's size has a score of 0.5, from a detector that knows it."""
_KNOWN_ERRORS = 0.75
"""MoveNet's on two_people: of errors over 6 % of the size 72 and 88 % have a score below 0.5, of others 6 and 10 %."""
_NO_FEET, _NO_HANDS, _NO_EITHER, _NO_SMALL_TOES = 0.15, 0.2, 0.25, 0.4
_NO_SCORES = 0.25
_RATES = ((5, 3), (2, 1), (25, 12))
"""Frames at 50 Hz over frames of the video: 30, 25 and 24 a second."""


def detected(
    rays: Floats, known: NDArray[np.bool_], near: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """What a detector gives for true keypoints.

    Args:
        rays: (B, T, 2, K).
        known: (B, K) keypoints that are there to be seen.
        near: (B,) people so near that they are cut off more often.
        rng: decides.

    Returns:
        (B, T, 2, K) rays and (B, T, K) scores, 0 where missing.
    """
    count = len(rays)
    size = _sizes(rays)
    found = rays + _steady(rays.shape, rng) * size
    doubts = np.ones((count, rays.shape[1], _K), np.float32)
    _swap_sides(found, rng)
    _mistake_limbs(found, size, rng)
    _hide_trunks(found, size, rng)
    _guess_outside(found, size, near, doubts, rng)
    _doubt(doubts, rng)
    scores = _scores(found, rays, size, rng) * doubts
    _lose_joints(found, scores, rng)
    scores[rng.random(count) < _NO_SCORES] = 1
    _at_video_rate(found, scores, rng)
    scores *= _given(known, rng)[:, None]
    return found, np.asarray(scores, np.float32)


def _sizes(rays: Floats) -> Floats:
    """(B, 1, 1, 1) mean over the frames of the longer side of the box around the body."""
    body = rays[..., : len(COCO17)]
    extent = (body.max(axis=3) - body.min(axis=3)).max(axis=2)
    return np.asarray(extent.mean(axis=1)[:, None, None, None], np.float32)


def _steady(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    count, frames = shape[:2]
    level = np.exp(rng.normal(np.log(_JITTER), 0.5, (count, 1, 1, 1))).astype(np.float32)
    noise = rng.standard_normal((count, frames, 2, _K), np.float32)
    noise *= level * rng.gamma(4, 0.25, (count, 1, 1, _K)).astype(np.float32)
    noise += drift(count, frames, rng, _K) * rng.gamma(2, _DRIFT, (count, 1, 1, _K)).astype(np.float32)
    still = rng.standard_normal((count, 1, 2, _K), np.float32)
    noise += still * rng.gamma(2, _OFFSET, (count, 1, 1, _K)).astype(np.float32)
    return noise * _HARDER


def _swap_sides(found: Floats, rng: np.random.Generator) -> None:
    """For a while, in 7 % of the windows, the detector takes left for right."""
    for window in np.flatnonzero(rng.random(len(found)) < 0.07):
        start, stop = _span(found.shape[1], rng, longest=25)
        found[window, start:stop] = found[window, start:stop][..., _SWAPS[rng.integers(len(_SWAPS))]]


def _mistake_limbs(found: Floats, size: Floats, rng: np.random.Generator) -> None:
    """Now and then a limb is seen where it isn't, for a while: somewhere near, or on the other one of its kind."""
    for window, limb in np.argwhere(rng.random((len(found), len(_LIMBS))) < _MISTAKEN):
        start, stop = _span(found.shape[1], rng, longest=50)
        first = int(rng.random() < 0.3)
        last = 2 if rng.random() < 0.4 else None  # feet and hands come from another network, which may be right
        joints = _LIMBS[limb][first:last]
        there = found[window, start:stop]
        if rng.random() < 0.5:
            apart = there[..., _OTHER_SIDE[joints]] - there[..., joints]
        else:
            spread = np.full(len(joints), 0.16)
            spread[: 1 - first] = 0.10
            apart = size[window] * rng.normal(0, 1, (1, 2, 1 if len(joints) > 2 else len(joints))) * spread
        along = np.minimum(np.arange(1, stop - start + 1), np.arange(stop - start, 0, -1)) / 4
        there[..., joints] += (np.minimum(along, 1)[:, None, None] * apart).astype(np.float32)


def _hide_trunks(found: Floats, size: Floats, rng: np.random.Generator) -> None:
    """In 5 % of the windows shoulders and hips are half hidden: the detector guesses them, off for good."""
    windows = np.flatnonzero(rng.random(len(found)) < 0.05)
    wrong = 0.04 * rng.standard_normal((len(windows), 1, 2, len(_TRUNK)), np.float32)
    found[windows[:, None], :, :, _TRUNK] += np.moveaxis(wrong * size[windows], -1, 1)


def _guess_outside(
    found: Floats, size: Floats, near: NDArray[np.bool_], doubts: Floats, rng: np.random.Generator
) -> None:
    """Limbs leave the image or are hidden: the detector guesses, far off and slowly drifting, or says nothing."""
    windows = np.flatnonzero(rng.random(len(found)) < np.where(near, 0.3, 0.06))
    if not len(windows):
        return
    guess = drift(len(windows), found.shape[1], rng, _K) * 0.05 * size[windows]
    legs = [*_LIMBS[1], *_LIMBS[3]]
    for window, wrong in zip(windows, guess, strict=True):
        choice = rng.random()
        joints = (
            legs if choice < 0.3 else [*legs[1:5], *legs[6:]] if choice < 0.6 else _LIMBS[rng.integers(len(_LIMBS))]
        )
        found[window][..., joints] += wrong[..., joints]
        doubts[window][:, joints] *= 0.0 if rng.random() < 0.35 else rng.uniform(0.05, 0.7)


def _doubt(doubts: Floats, rng: np.random.Generator) -> None:
    """Some limbs that are right have low scores for a while."""
    for window, limb in np.argwhere(rng.random((len(doubts), len(_LIMBS))) < 0.08):
        start, stop = _span(doubts.shape[1], rng, longest=50)
        doubts[window, start:stop, _LIMBS[limb]] *= rng.uniform(0.2, 0.8)


def _scores(found: Floats, rays: Floats, size: Floats, rng: np.random.Generator) -> Floats:
    """(B, T, K) scores: three quarters of all errors are known to the detector; each keypoint has a level of its own,
    each detector a scale.
    """
    count, frames = found.shape[:2]
    error = np.sqrt(np.square(found - rays).sum(axis=2)) / size[:, 0]
    wrong = 1 - 1 / (1 + np.square(error / _DOUBTFUL))
    known = np.where(rng.random((count, 1, _K)) < _KNOWN_ERRORS, 1, rng.uniform(0, 0.5, (count, 1, _K)))
    scale = np.exp(rng.normal(0, 0.3, (count, 1, 1)))
    level = rng.uniform(0.7, 1.0, (count, 1, 1)) - rng.uniform(0, 0.15, (count, 1, _K))
    shaky = rng.normal(0, 0.03, (count, frames, _K))
    return np.asarray(np.clip((1 - wrong * known) * level + shaky, 0.02, 1) ** scale, np.float32)


def _lose_joints(found: Floats, scores: Floats, rng: np.random.Generator) -> None:
    """In 12 % of the windows some joints get lost for a while and are interpolated."""
    for window in np.flatnonzero(rng.random(len(found)) < 0.12):
        joints = rng.integers(0, _K, rng.integers(1, 4))
        start, stop = _span(found.shape[1], rng, longest=30)
        first, last = found[window, max(start - 1, 0)], found[window, min(stop, found.shape[1] - 1)]
        along = ((np.arange(start, stop) - start + 1) / (stop - start + 1)).astype(np.float32)[:, None, None]
        filled = first[:, joints] * (1 - along) + last[:, joints] * along
        found[window, start:stop, :, joints] = np.moveaxis(filled, -1, 0)
        scores[window, start:stop, joints] = 0.0 if rng.random() < 0.3 else rng.uniform(0.05, 0.4)


def _at_video_rate(found: Floats, scores: Floats, rng: np.random.Generator) -> None:
    """Two thirds of the windows are videos of fewer frames a second, interpolated as in use."""
    rates = rng.choice(len(_RATES) + 1, len(found), p=(0.4, 0.13, 0.13, 0.34))
    frames = found.shape[1]
    for number, (long, short) in enumerate(_RATES):
        own = np.flatnonzero(rates == number)
        time = np.arange(frames) * short / long
        below = np.round(np.floor(time) * long / short).astype(np.intp)
        above = np.minimum(np.round((np.floor(time) + 1) * long / short).astype(np.intp), frames - 1)
        weight = ((np.arange(frames) - below) / np.maximum(above - below, 1)).astype(np.float32)
        for values, share in ((found, weight[:, None, None]), (scores, weight[:, None])):
            some = values[own]
            values[own] = some[:, below] * (1 - share) + some[:, above] * share


def _given(known: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(B, K) which keypoints this window's detector has."""
    given = known.copy()
    kind = rng.random(len(known))
    no_feet = (kind < _NO_FEET) | (kind >= 1 - _NO_EITHER)
    no_hands = kind >= 1 - _NO_EITHER - _NO_HANDS
    for missing, points in (
        (no_feet, _FEET),
        (no_hands, _HANDS),
        (rng.random(len(known)) < _NO_SMALL_TOES, _SMALL_TOES),
    ):
        given[np.flatnonzero(missing)[:, None], points] = False
    return given


def _span(frames: int, rng: np.random.Generator, *, longest: int) -> tuple[int, int]:
    length = int(rng.integers(2, min(longest, frames // 2)))
    start = int(rng.integers(0, frames - length))
    return start, start + length
