"""Camera cuts of a whole video, from thumbnails of its frames: where pictures before and after are of two scenes.

With what comes after in view, much that looks like a cut is none: a flash or somebody close to the camera, after which
the picture is what it was; a fast pan or zoom, in which every frame is unlike the last one. What is missed: dissolves,
a shot of less than half a second between two takes of one scene, a cut in the middle of a pan as fast as the cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from liftline.ports import StopToken
from liftline.thumbnails import LEAST_CONTRAST, FrameSimilarity, GradientSpectrum, Thumbnails, contrast, gradients

_DIFFERENT = 0.45
_USUAL_SHARE = 0.65
"""In shaken, noisy or fast pictures a cut has to stand out: to be below this share of what is usual around it."""
_USUAL_FRAMES = 5
_SAME = 0.6
_SAME_AT_ONCE = 0.7
_RETURN_S = 0.5
_MIN_RETURN_FRAMES = 3
_LOOKS_BACK = 4
_LONGEST_RUN = 2
"""More than so many changes in a row are one quick movement."""
_BLANK_SHARE, _ENOUGH_CONTRAST = 0.15, 2.5
"""Frames below this share of the video's usual contrast, or below the least that is seen at all, show nothing."""
_CHUNK = 4096

_Change = tuple[int, int]
"""The last frame before a cut and the first one after it."""


def find_cuts(thumbnails: Thumbnails, frame_times_s: NDArray[np.float64], *, stop: StopToken) -> NDArray[np.int64]:
    """The first frames (C,) of all shots but the first one.

    Args:
        thumbnails: of the whole video, without those frames that couldn't be decoded.
        frame_times_s: (F,) presentation time of every frame, seconds.
        stop: asked wherever frames are compared.
    """
    if len(thumbnails) < 2:
        return np.zeros(0, np.int64)
    visible = _VisibleFrames(thumbnails, frame_times_s, stop)
    if len(visible.frames) < 2:
        return np.zeros(0, np.int64)
    changes = visible.without_returns(sorted([*visible.hard_changes(), *visible.blended_changes()]))
    return np.asarray(visible.frames[[after for _, after in changes]], np.int64)


class _VisibleFrames:
    """The frames that show something, numbered consecutively, and how similar neighbouring ones are."""

    def __init__(self, thumbnails: Thumbnails, frame_times_s: NDArray[np.float64], stop: StopToken) -> None:
        shown = np.concatenate([contrast(part) for part in _chunks(thumbnails.grey)])
        seen = shown >= np.clip(_BLANK_SHARE * np.median(shown), LEAST_CONTRAST, _ENOUGH_CONTRAST)
        self.frames, self._grey = thumbnails.frame_index[seen], thumbnails.grey[seen]
        self._times_s = frame_times_s[self.frames]
        self._spectrum = lru_cache(maxsize=64)(lambda n: GradientSpectrum.of(self._grey[n]))
        self._compared = lru_cache(maxsize=256)(self._similarity)
        self._stop = stop

    def _similarity(self, n: int, m: int) -> FrameSimilarity:
        self._stop.raise_if_stopped()
        return self._spectrum(n).similarity(self._spectrum(m))

    @cached_property
    def next_alike(self) -> NDArray[np.float64]:
        """(N-1,) how alike each frame and the next one are."""
        alike = _at_once_alike(self._grey, 1)
        for n in np.flatnonzero(alike < _SAME_AT_ONCE).tolist():
            alike[n] = self._alike_or_pan(n, n + 1)
        return alike

    @cached_property
    def second_alike(self) -> NDArray[np.float64]:
        """(N-2,) how alike each frame and the one after the next are."""
        alike = _at_once_alike(self._grey, 2)
        for n in np.flatnonzero(alike < _SAME_AT_ONCE).tolist():
            alike[n] = self._alike_or_pan(n, n + 2)
        return alike

    def _alike_or_pan(self, n: int, m: int) -> float:
        """A long shift counts if the frames before or after move alike: a camera doesn't jump and stand."""
        found, step, last = self._compared(n, m), m - n, len(self.frames) - 1
        if found.still >= _SAME or found.moved < _DIFFERENT:
            return max(found.still, min(found.moved, _DIFFERENT))
        around = [(a, a + step) for a in (n - step, n + step) if a >= 0 and a + step <= last]
        goes_on = any(_goes_on(found.shift, self._compared(*pair).shift) for pair in around)
        return found.moved if goes_on else found.still

    def hard_changes(self) -> list[_Change]:
        """Where frames are unlike those before, and neighbours usually are alike."""
        alike, second = self.next_alike, self.second_alike
        low = np.flatnonzero(alike < _DIFFERENT)
        runs = np.split(low, np.flatnonzero(np.diff(low) > 1) + 1)
        greatest = [int(run[alike[run].argmin()]) for run in runs if 0 < len(run) <= _LONGEST_RUN]
        usual = _usual(alike)
        return [
            (n, n + 1)
            for n in greatest
            if alike[n] < _USUAL_SHARE * usual[n] and (second[max(n - 1, 0) : n + 1] < _SAME).all()
        ]

    def blended_changes(self) -> list[_Change]:
        """Cuts with one frame between that shows both scenes, as in converted frame rates."""
        alike, second = self.next_alike, self.second_alike
        changes = []
        for n in np.flatnonzero(second[1:-1] < _DIFFERENT) + 1:
            alone = min(second[n - 1], second[n + 1]) >= _SAME and min(alike[n], alike[n + 1]) >= _DIFFERENT
            if alone and max(self._compared(n - 1, n + 2).moved, self._compared(n, n + 3).moved) < _DIFFERENT:
                changes.append((int(n), int(n) + 2))
        return changes

    def without_returns(self, changes: list[_Change]) -> list[_Change]:
        """Drop changes after which the picture soon is what it was before."""
        kept, back = list[_Change](), -1
        for change in changes:
            if change[1] <= back:
                continue
            found = self._return(*change)
            if found is None:
                kept.append(change)
            else:
                back = found
        return kept

    def _return(self, before: int, after: int) -> int | None:
        """The frame in which the picture is again what it was shortly before."""
        start_s = self._times_s[before] - _RETURN_S * np.linspace(0, 1, _LOOKS_BACK)
        earlier = {max(before - 1, 0), *(int(n) for n in np.searchsorted(self._times_s, start_s))}
        for n in range(after + 1, len(self.frames)):
            if self._times_s[n] - self._times_s[after] > _RETURN_S and n > after + _MIN_RETURN_FRAMES:
                return None
            if any(self._compared(m, n).still >= _SAME_AT_ONCE for m in earlier):
                return n
        return None


def _goes_on(shift: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a camera may move like this and next like that."""
    apart = np.hypot(shift[0] - other[0], shift[1] - other[1])
    return bool(apart <= max(2.0, 0.6 * np.hypot(*shift)))


def _usual(alike: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) median of the neighbours on both sides."""
    padded = np.pad(alike, _USUAL_FRAMES, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _USUAL_FRAMES + 1)
    others = np.delete(around, _USUAL_FRAMES, axis=1)
    known = np.isfinite(others).any(axis=1)
    usual = np.ones(len(alike))
    usual[known] = np.nanmedian(others[known], axis=1)
    return usual


def _chunks(grey: NDArray[np.uint8], *, more: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Parts of many thumbnails, each with the first `more` of the next one."""
    for start in range(0, len(grey) - more, _CHUNK):
        yield grey[start : start + _CHUNK + more]


def _at_once_alike(grey: NDArray[np.uint8], step: int) -> NDArray[np.float64]:
    """(N-step,) correlation of gradients without any shift: enough to see that nothing changed."""
    alike = [np.zeros(0)]
    for part in _chunks(grey, more=step):
        down, right, _ = gradients(part)
        flat = np.concatenate([down, right], axis=1).reshape(len(part), -1)
        norm = np.maximum(np.linalg.norm(flat, axis=1), 1e-3)
        alike.append(np.einsum("np,np->n", flat[:-step], flat[step:]) / (norm[:-step] * norm[step:]))
    return np.concatenate(alike)
