"""Made-up camera shots: pictures with structure at every scale, moved, lit and joined like real ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from liftline.progress import StopFlag
from liftline.thumbnails import Thumbnails, thumbnail
from liftline_lifter.tracking._shots import find_cuts

HEIGHT, WIDTH = 108, 192
FPS = 30.0

Grey = NDArray[np.float64]


def place(seed: int, *, height: int = HEIGHT, width: int = 4 * WIDTH) -> Grey:
    """A wide scene in 0..255: noise with as much in large shapes as in small ones, as in photographs."""
    rng = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / width)
    waves = rng.normal(size=fall.shape) + 1j * rng.normal(size=fall.shape)
    field = np.fft.irfft2(waves * fall, s=(height, width))
    return np.asarray(128 + 45 * field / field.std(), np.float64).clip(0, 255)


def view(scene: Grey, x: float) -> Grey:
    """What a camera sees that looks at column x."""
    return scene[:, int(x) : int(x) + WIDTH]


def shot(seed: int, frames: int, *, speed: float = 0.0, blur: bool = False) -> list[Grey]:
    """A camera on one scene, panning by `speed` picture widths per frame to and fro, with motion blur if asked for."""
    scene = place(seed)
    room = scene.shape[1] - WIDTH
    at = room - np.abs(np.arange(frames + 1) * speed * WIDTH % (2 * room) - room)
    if not blur:
        return [view(scene, x) for x in at[:frames]]
    return [np.mean([view(scene, x) for x in np.linspace(a, b, 9)], axis=0) for a, b in pairwise(at)]


def lit(pictures: Sequence[Grey], factors: Sequence[float]) -> list[Grey]:
    """Each picture in another light."""
    return [(picture * factor).clip(0, 255) for picture, factor in zip(pictures, factors, strict=True)]


def passed_by(pictures: Sequence[Grey], *, start: int, frames: int, width: float) -> list[Grey]:
    """Somebody large crosses close to the camera."""
    body = place(99, width=int(width * WIDTH)) * 0.5
    out = [picture.copy() for picture in pictures]
    for step in range(frames):
        left = round(-body.shape[1] + (WIDTH + body.shape[1]) * (step + 0.5) / frames)
        first, last = max(left, 0), min(left + body.shape[1], WIDTH)
        out[start + step][:, first:last] = body[:, first - left : last - left]
    return out


def letterboxed(pictures: Sequence[Grey]) -> list[Grey]:
    """Black bars at left and right."""
    bar = np.zeros((HEIGHT, WIDTH // 4))
    return [np.hstack([bar, picture[:, : WIDTH - 2 * bar.shape[1]], bar]) for picture in pictures]


def thumbnails(pictures: Sequence[Grey], *, noise: float = 1.0, seed: int = 0) -> Thumbnails:
    """As the detect stage makes them, of pictures with some noise."""
    rng = np.random.default_rng(seed)
    noisy = [(p + rng.normal(0, noise, p.shape)).clip(0, 255).astype(np.uint8) for p in pictures]
    return Thumbnails.from_frames(
        [(n, thumbnail(np.repeat(p[..., np.newaxis], 3, axis=2))) for n, p in enumerate(noisy)]
    )


def cuts(pictures: Sequence[Grey], *, noise: float = 1.0, fps: float = FPS) -> list[int]:
    """First frames of shots."""
    return find_cuts(thumbnails(pictures, noise=noise), np.arange(len(pictures)) / fps, stop=StopFlag()).tolist()
