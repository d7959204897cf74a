"""Thumbnails show what frames show, whatever their size, and resemble each other as the frames do."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.thumbnails import LEAST_CONTRAST, SIDE, GradientSpectrum, Thumbnails, contrast, thumbnail
from tests.synthetic_video import place, shot


def picture(seed: int, height: int, width: int) -> np.ndarray:
    grey = place(seed, height=height, width=width).astype(np.uint8)
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


@pytest.mark.parametrize("size", [(720, 1280), (1280, 720), (24, 24), (10, 40), (1, 1), (2160, 3840)])
def test_a_frame_of_any_size_has_a_thumbnail(size: tuple[int, int]) -> None:
    assert thumbnail(np.full((*size, 3), 77, np.uint8)).tolist() == [[77] * SIDE] * SIDE


def test_a_thumbnail_has_bright_cells_where_the_frame_is_bright() -> None:
    frame = np.zeros((240, 480, 3), np.uint8)
    frame[:60, 240:] = 200
    grey = thumbnail(frame)
    assert grey[: SIDE // 4, SIDE // 2 :].min() == 200
    assert grey[SIDE // 4 :].max() == grey[:, : SIDE // 2].max() == 0


def test_the_same_picture_at_another_size_and_in_another_light_resembles_itself() -> None:
    frame = picture(1, 432, 768)
    smaller = (frame[::2, ::2] * 0.5).astype(np.uint8)
    found = GradientSpectrum.of(thumbnail(frame)).similarity(GradientSpectrum.of(thumbnail(smaller)))
    assert found.still > 0.95
    assert found.shift == (0, 0)


def test_a_move_of_the_camera_is_seen_as_a_shift() -> None:
    before, after = (np.repeat(view[..., np.newaxis], 3, axis=2).astype(np.uint8) for view in shot(3, 2, speed=0.25))
    found = GradientSpectrum.of(thumbnail(before)).similarity(GradientSpectrum.of(thumbnail(after)))
    assert found.moved > 0.9
    assert found.still < 0.5
    assert abs(found.shift[1]) == pytest.approx(SIDE / 4, abs=1)
    assert found.shift[0] == 0


@pytest.mark.parametrize("seed", range(20))
def test_other_scenes_do_not_resemble_each_other(seed: int) -> None:
    one, other = (GradientSpectrum.of(thumbnail(picture(n, 216, 384))) for n in (seed, seed + 1000))
    assert one.similarity(other).moved < 0.45


def test_contrast_tells_blank_frames() -> None:
    frames = [np.zeros((90, 160, 3), np.uint8), np.full((90, 160, 3), 255, np.uint8), picture(1, 90, 160)]
    black, white, scene = contrast(np.stack([thumbnail(frame) for frame in frames]))
    assert max(black, white) < LEAST_CONTRAST < scene


def test_thumbnails_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        Thumbnails(np.array([2, 1]), np.zeros((2, SIDE, SIDE), np.uint8))
