"""Normalisation of keypoints: VideoPose3D's, and ours around the person."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline_lifter.lifting.normalise import (
    SMOOTHING_FRAMES,
    Normalisation,
    by_image_width,
    by_person,
    looking_at,
    normalise_track,
)

CAMERA = Camera(1280, 720, 1100.0)
NO_PADDING = (0, 0)


def walker(frames: int = 60, seed: int = 0) -> NDArray[np.float64]:
    """(T, 17, 2) pixels of somebody who crosses the image."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, [40, 110], (17, 2))
    way = np.stack([np.linspace(200, 1100, frames), np.full(frames, 400.0)], axis=1)
    return way[:, None] + body + rng.normal(0, 3, (frames, 17, 2))


def test_image_width_is_videopose3ds_screen_coordinates() -> None:
    corners = np.array([[0, 0], [1280, 720], [640, 360]])
    expected = [[-1, -0.5625], [1, 0.5625], [0, 0]]
    np.testing.assert_allclose(by_image_width(corners, 1280, 720), expected, atol=1e-7)


def test_image_width_repeats_the_edge_frames() -> None:
    track = walker(5)
    normalised = normalise_track(track, normalisation=Normalisation.IMAGE_WIDTH, camera=CAMERA, padding=(2, 3))
    scaled = by_image_width(track, 1280, 720)
    np.testing.assert_array_equal(normalised.inputs, scaled[[0, 0, 0, 1, 2, 3, 4, 4, 4, 4]])
    assert normalised.rotations is None


def test_person_gives_a_window_of_a_track_the_same_numbers_as_the_track() -> None:
    rays = CAMERA.rays(walker(90))
    whole, rotations = by_person(rays)
    for start in (0, 7, 30):
        window, own = by_person(rays[start : start + 27 + 2 * SMOOTHING_FRAMES])
        np.testing.assert_array_equal(window, whole[start : start + 27])
        np.testing.assert_array_equal(own, rotations[start : start + 27])


def test_person_sees_frames_far_away_as_if_the_track_had_no_others() -> None:
    track = walker(100)
    changed = track.copy()
    changed[60:] += 200
    options = {"normalisation": Normalisation.PERSON, "camera": CAMERA, "padding": NO_PADDING}
    before, after = normalise_track(track, **options), normalise_track(changed, **options)
    near = 60 - SMOOTHING_FRAMES
    np.testing.assert_array_equal(after.inputs[:near], before.inputs[:near])
    assert not np.array_equal(after.inputs[near], before.inputs[near])


def test_person_pads_before_it_normalises() -> None:
    track, (before, after) = walker(30), (6, 4)
    repeated = np.concatenate([track[:1].repeat(before, 0), track, track[-1:].repeat(after, 0)])
    options = {"normalisation": Normalisation.PERSON, "camera": CAMERA}
    padded = normalise_track(track, padding=(before, after), **options)
    whole = normalise_track(repeated, padding=NO_PADDING, **options)
    np.testing.assert_array_equal(padded.inputs, whole.inputs)
    assert padded.rotations is not None
    assert whole.rotations is not None
    np.testing.assert_array_equal(padded.rotations, whole.rotations[before:-after])


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_person_is_the_same_at_any_image_resolution(factor: float) -> None:
    track = walker()
    larger = Camera(round(1280 * factor), round(720 * factor), 1100.0 * factor)
    options = {"normalisation": Normalisation.PERSON, "padding": (4, 4)}
    expected = normalise_track(track, camera=CAMERA, **options).inputs
    np.testing.assert_allclose(normalise_track(track * factor, camera=larger, **options).inputs, expected, atol=1e-4)


def test_person_looks_the_same_wherever_the_camera_points() -> None:
    rng = np.random.default_rng(3)
    body = np.tile(rng.normal([0, 0, 5], 0.4, (1, 17, 3)), (30, 1, 1))
    torso = body[0, [5, 6, 11, 12]]
    body -= [*(torso[:, :2] / torso[:, 2:]).mean(axis=0) * 5, 0]
    aside = looking_at(np.float32([0.35, 0.0]))
    ahead, border = (by_person(points[..., :2] / points[..., 2:])[0] for points in (body, body @ aside.T))
    scale = np.linalg.norm(border) / np.linalg.norm(ahead)
    assert 0.85 < scale <= 1
    np.testing.assert_allclose(border / scale, ahead, atol=0.08)


def test_poses_are_turned_back_into_the_real_camera() -> None:
    track = walker()
    normalised = normalise_track(track, normalisation=Normalisation.PERSON, camera=CAMERA, padding=NO_PADDING)
    ahead = np.tile(np.float32([0, 0, 1]), (len(track), 1, 1))
    rays = normalised.to_camera(ahead)[:, 0]
    torso_px = CAMERA.project(rays * 3)
    centre = track[:, [5, 6, 11, 12]].mean(axis=1)
    middle = slice(SMOOTHING_FRAMES, -SMOOTHING_FRAMES)
    np.testing.assert_allclose(torso_px[middle], centre[middle], atol=6)


def test_image_width_leaves_poses_as_they_are() -> None:
    normalised = normalise_track(walker(), normalisation=Normalisation.IMAGE_WIDTH, camera=CAMERA, padding=NO_PADDING)
    joints = np.random.default_rng(0).normal(size=(60, 17, 3)).astype(np.float32)
    np.testing.assert_array_equal(normalised.to_camera(joints), joints)


def test_cameras_that_look_somewhere_are_rotations_without_roll() -> None:
    rays = np.random.default_rng(1).normal(0, 0.5, (50, 2)).astype(np.float32)
    rotations = looking_at(rays)
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, 1, 2), np.tile(np.eye(3), (50, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-6)
    np.testing.assert_allclose(rotations[:, 1, 0], 0, atol=1e-7)
    np.testing.assert_allclose(rotations[:, :2, 2] / rotations[:, 2:, 2], rays, atol=1e-5)


def test_swapped_sides_do_not_move_the_virtual_camera() -> None:
    rays = CAMERA.rays(walker())
    swapped = rays.copy()
    swapped[20:30] = rays[20:30][:, [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]]
    np.testing.assert_allclose(by_person(swapped)[1], by_person(rays)[1], atol=1e-6)


@pytest.mark.parametrize("track", [np.zeros((20, 17, 2)), np.full((1, 17, 2), 500.0)])
def test_keypoints_in_one_point_stay_finite(track: NDArray[np.float64]) -> None:
    normalised = normalise_track(track, normalisation=Normalisation.PERSON, camera=CAMERA, padding=(3, 3))
    assert np.isfinite(normalised.inputs).all()
    assert normalised.inputs.shape == (len(track) + 6, 17, 2)


@pytest.mark.parametrize("normalisation", list(Normalisation))
@pytest.mark.parametrize("shape", [(10, 16, 2), (10, 17, 3), (17, 2), (0, 17, 2)])
def test_keypoints_of_another_shape_are_refused(shape: tuple[int, ...], normalisation: Normalisation) -> None:
    with pytest.raises(ValueError, match="keypoints must be"):
        normalise_track(np.zeros(shape), normalisation=normalisation, camera=CAMERA, padding=NO_PADDING)


def test_missing_keypoints_are_refused() -> None:
    track = walker()
    track[3, 4] = np.nan
    with pytest.raises(ValueError, match="interpolate"):
        normalise_track(track, normalisation=Normalisation.PERSON, camera=CAMERA, padding=NO_PADDING)
