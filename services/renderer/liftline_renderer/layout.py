"""Where things go in the output picture, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from pydantic import Field

from liftline.frames import VideoInfo
from liftline.settings.checked import checked
from liftline.settings.job import Layout, RenderChoices

MAX_SIDE_PX, MAX_AREA_PX = 4096, 36_864 * 256
"""Largest picture of H.264 level 5.2: beyond it most browsers and phones don't play a file. Larger ones are scaled."""


@dataclass(frozen=True)
class Pane:
    """A part of the output picture, as high as it, px."""

    left: int
    width: int
    height: int


@checked
class RenderSettings(RenderChoices):
    """How to render. max_height_px scales larger outputs down, keeping their proportions."""

    max_height_px: int | None = Field(default=None, ge=16)


@dataclass(frozen=True)
class Panes:
    """The output's size and its panes: the video with the overlay, and the 3D view; None where the layout has none."""

    width: int
    height: int
    overlay: Pane | None
    view: Pane | None


def panes(width_px: int, height_px: int, settings: RenderSettings) -> Panes:
    """Lay out a video of this size. The 3D view beside a video is as high as it and no wider than high."""
    beside = settings.layout == "side-by-side"
    full_width = width_px + min(width_px, height_px) if beside else width_px
    scale = _scale(full_width, height_px, settings.max_height_px)
    height = _even(height_px, scale)
    if not beside:
        pane = Pane(0, _even(width_px, scale), height)
        overlay = settings.layout == "overlay"
        return Panes(pane.width, height, pane if overlay else None, None if overlay else pane)
    video = Pane(0, _even(width_px, scale), height)
    view = Pane(video.width, _even(min(width_px, height_px), scale), height)
    return Panes(video.width + view.width, height, video, view)


def output_size(info: VideoInfo, layout: Layout, *, max_height_px: int | None = None) -> tuple[int, int]:
    """Width and height of the rendered video, both even."""
    out = panes(info.width_px, info.height_px, RenderSettings(layout, max_height_px=max_height_px))
    return out.width, out.height


def _scale(width_px: int, height_px: int, max_height_px: int | None) -> float:
    limits = [1.0, MAX_SIDE_PX / width_px, MAX_SIDE_PX / height_px, sqrt(MAX_AREA_PX / (width_px * height_px))]
    return min([*limits, max_height_px / height_px] if max_height_px else limits)


def _even(length_px: int, scale: float) -> int:
    """An even length, since H.264 with 4:2:0 chroma has no odd ones: the next one, or the one below when scaled."""
    return length_px + length_px % 2 if scale == 1 else max(2, int(length_px * scale + 1e-6) // 2 * 2)
