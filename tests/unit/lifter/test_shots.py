"""Camera cuts are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.progress import StopFlag
from liftline.thumbnails import Thumbnails
from liftline_lifter.tracking._shots import find_cuts
from tests.synthetic_video import FPS, HEIGHT, WIDTH, cuts, letterboxed, lit, passed_by, shot, thumbnails

BLACK, WHITE = (np.full((HEIGHT, WIDTH), level) for level in (0.0, 255.0))


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_is_found_at_its_frame(seed: int) -> None:
    assert cuts(shot(seed, 25) + shot(seed + 100, 25)) == [25]


def test_shots_of_a_few_frames_are_told_apart() -> None:
    assert cuts([picture for seed in range(6) for picture in shot(seed, 4)]) == [4, 8, 12, 16, 20]


def test_a_cut_between_letterboxed_shots_is_found() -> None:
    assert cuts(letterboxed(shot(1, 20) + shot(2, 20))) == [20]


def test_a_cut_in_the_dark_is_found() -> None:
    assert cuts(lit(shot(1, 20) + shot(2, 20), [0.15] * 40)) == [20]


def test_a_cut_from_pan_to_pan_is_found() -> None:
    assert cuts(shot(1, 30, speed=0.05, blur=True) + shot(2, 30, speed=0.05, blur=True)) == [30]


def test_a_cut_with_a_frame_of_both_scenes_between_is_one_cut() -> None:
    one, other = shot(1, 20), shot(2, 20)
    (cut,) = cuts([*one, (one[-1] + other[0]) / 2, *other])
    assert cut in (20, 21)


@pytest.mark.parametrize("frames", [1, 5, 30])
def test_black_between_two_scenes_is_one_cut(frames: int) -> None:
    assert cuts(shot(1, 20) + [BLACK] * frames + shot(2, 20)) == [20 + frames]


def test_a_fade_through_black_is_one_cut() -> None:
    out, back = np.linspace(1, 0, 15), np.linspace(0, 1, 15)
    (cut,) = cuts(lit(shot(1, 35), [*np.ones(20), *out]) + lit(shot(2, 35), [*back, *np.ones(20)]))
    assert 30 <= cut <= 40


@pytest.mark.parametrize("speed", [0.02, 0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_a_pan_is_no_cut(speed: float, seed: int) -> None:
    assert cuts(shot(seed, 60, speed=speed, blur=True)) == []


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("factor", [0.3, 4.0])
def test_a_flash_or_a_dark_moment_is_no_cut(frames: int, factor: float) -> None:
    assert cuts(lit(shot(1, 50), [factor if 20 <= n < 20 + frames else 1.0 for n in range(50)])) == []


@pytest.mark.parametrize("picture", [BLACK, WHITE], ids=["black", "white"])
def test_blank_frames_within_a_scene_are_no_cut(picture: np.ndarray) -> None:
    assert cuts([*shot(1, 20), picture, picture, *shot(1, 20)]) == []


@pytest.mark.parametrize("frames", [6, 12, 25])
@pytest.mark.parametrize("width", [0.7, 1.1])
def test_somebody_crossing_close_to_the_camera_is_no_cut(frames: int, width: float) -> None:
    assert cuts(passed_by(shot(1, 60), start=20, frames=frames, width=width)) == []


def test_light_that_is_switched_on_is_no_cut() -> None:
    assert cuts(lit(shot(1, 40), [0.4] * 20 + [1.0] * 20)) == []


def test_noise_in_the_dark_is_no_cut() -> None:
    assert cuts(lit(shot(1, 60), [0.12] * 60), noise=10) == []


def test_nothing_but_blank_frames_have_no_cut() -> None:
    assert cuts([BLACK] * 5 + [WHITE] * 5) == []


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_a_video_of_a_few_frames_has_no_cut(frames: int) -> None:
    assert cuts(shot(1, frames)) == []


def test_frames_that_could_not_be_decoded_hide_no_cut() -> None:
    found = thumbnails(shot(1, 20) + shot(2, 20))
    seen = np.r_[0:18, 23:40]
    left = Thumbnails(found.frame_index[seen], found.grey[seen])
    assert find_cuts(left, np.arange(40) / FPS, stop=StopFlag()).tolist() == [23]
