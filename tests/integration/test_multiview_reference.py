"""A reference from several views: points are where they are, wrong views have no say, people are found across views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.detection import keypoint_noise
from benchmarks.ground_truth import mediapipe_baseline
from benchmarks.ground_truth.matching import Reference, errors, match_people
from benchmarks.ground_truth.multiview import LIMBS_COCO, View, delayed, lag_frames, people
from benchmarks.ground_truth.reference import CalibratedCamera
from benchmarks.ground_truth.triangulation import triangulate
from liftline.errors import InvalidInputError
from liftline.skeletons import BLAZEPOSE33_TO_COCO17, COCO17, LIMB_JOINTS

FRAMES, RATE_HZ = 60, 60.0
WIDTH_PX, HEIGHT_PX, FOCAL_PX = 1000, 800, 900.0
Floats = NDArray[np.float64]


def camera(yaw: float, *, distance_m: float = 4.0) -> CalibratedCamera:
    """Looks at the origin from `distance_m` away, 1.5 m up, with a little lens distortion."""
    place = np.array([np.sin(yaw) * distance_m, -np.cos(yaw) * distance_m, 1.5])
    forward = -place / np.linalg.norm(place)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[FOCAL_PX, 0, WIDTH_PX / 2], [0, FOCAL_PX, HEIGHT_PX / 2], [0, 0, 1.0]])
    distortions = np.array([-0.05, 0.01, 0.0, 0.0])
    return CalibratedCamera("cam", WIDTH_PX, HEIGHT_PX, matrix, distortions, rotation, -rotation @ place)


CAMERAS = [camera(yaw) for yaw in (0.0, 0.8, 1.7, 3.5)]


def somebody(seed: int, *, at: tuple[float, float]) -> Floats:
    """(F,17,3) points the size of a person that sway slowly, in the world."""
    rng = np.random.default_rng(seed)
    points = rng.uniform([-0.4, -0.4, -0.9], [0.4, 0.4, 0.9], (17, 3))
    points[:2] = [[-0.3, 0, -0.9], [0.3, 0, 0.9]]
    time_s = np.arange(FRAMES)[:, None, None] / RATE_HZ
    sway = 0.1 * np.sin(2 * np.pi * 0.8 * time_s + rng.uniform(0, 6, (17, 3)))
    return np.asarray(points + sway + np.array([*at, 0.0]), np.float64)


def seen(*who: Floats) -> list[View]:
    """What every camera's run would find: the people in turn, in another order in every view."""
    views = []
    for number, cam in enumerate(CAMERAS):
        order = [who[(number + shift) % len(who)] for shift in range(len(who))]
        points = np.stack([cam.project(person) for person in order])
        views.append(View(cam, tuple(range(1, len(who) + 1)), points, np.ones(points.shape[:3])))
    return views


def test_points_are_found_where_they_are_and_a_wrong_view_has_no_say() -> None:
    truth = somebody(1, at=(0, 0)).reshape(-1, 3)
    points_px = np.stack([cam.project(truth) for cam in CAMERAS])
    points_px[2, ::3] += 60
    points_px[1, 5] = np.nan
    shape = points_px.shape[:2]
    found = triangulate(CAMERAS, points_px, np.ones(shape), np.full(shape, 10.0))
    np.testing.assert_allclose(found.points_m, truth, atol=1e-5)
    assert not found.used[2, ::3].any()
    assert not found.used[1, 5]
    assert found.used[[0, 3]].all()


def test_points_that_only_two_views_agree_on_are_missing() -> None:
    truth = somebody(1, at=(0, 0)).reshape(-1, 3)
    points_px = np.stack([cam.project(truth) for cam in CAMERAS])
    points_px[0, :10] += [0, 80]
    points_px[1, :10] -= [80, 0]
    shape = points_px.shape[:2]
    found = triangulate(CAMERAS, points_px, np.ones(shape), np.full(shape, 10.0))
    assert np.isnan(found.points_m[:10]).all()
    assert np.isfinite(found.points_m[10:]).all()


def test_people_are_found_across_views_and_followed_through_gaps_and_swaps() -> None:
    one, other = somebody(1, at=(0, 0)), somebody(2, at=(0.7, 0.4))
    views = seen(one, other)
    views[0].keypoints_px[0, 20:24] = np.nan
    views[2].keypoints_px[0, 30:40] = views[2].keypoints_px[0, 30:40][:, COCO17.mirrored]
    found = people(views, rate_hz=RATE_HZ)
    assert {person.track_ids for person in found} == {(1, 2, 1, 2), (2, 1, 2, 1)}
    for truth, ids in ((one, (1, 2, 1, 2)), (other, (2, 1, 2, 1))):
        (person,) = (person for person in found if person.track_ids == ids)
        assert np.linalg.norm(person.joints_m - truth, axis=-1).max() < 0.01
        np.testing.assert_array_equal(person.limbs_m, person.joints_m[:, LIMBS_COCO])


def test_a_person_whose_pictures_are_shifted_is_put_together_all_the_same() -> None:
    truth = somebody(1, at=(0, 0))
    views = seen(truth)
    shifts = np.array([[0, 0], [15, -5], [-20, 10], [0, 8]])
    for view, shift in zip(views, shifts, strict=True):
        view.keypoints_px[...] += shift
    (person,) = people(views, rate_hz=RATE_HZ)
    assert person.known.all()
    assert person.used.all()
    assert np.median(np.linalg.norm(person.offsets_px(), axis=-1)) < 2
    centred = [joints - joints.mean(axis=(0, 1)) for joints in (person.joints_m, truth)]
    assert np.linalg.norm(centred[0] - centred[1], axis=-1).max() < 0.03


def test_how_late_a_reference_is_shows_in_the_motion_in_spite_of_other_joint_definitions() -> None:
    moving = somebody(3, at=(0, 0))
    reference = moving + np.random.default_rng(0).normal(0, 0.03, (1, 17, 3))
    assert lag_frames(reference, delayed(moving, 2.25)) == pytest.approx(2.25)
    assert np.isnan(delayed(moving, 2.25)[:3]).all()


def test_what_mediapipe_finds_is_scored_as_a_result_is() -> None:
    truth = somebody(1, at=(0, 0))
    cam = CAMERAS[0]
    reference = Reference.seen_by(cam, truth[:, LIMBS_COCO])
    landmarks_px, world_m = np.zeros((2, FRAMES, 33, 2)), np.zeros((2, FRAMES, 33, 3))
    landmarks_px[1][:, BLAZEPOSE33_TO_COCO17], world_m[1][:, BLAZEPOSE33_TO_COCO17] = (
        cam.project(truth),
        1.3 * cam.to_camera(truth),
    )
    found = np.zeros((2, FRAMES), np.bool_)
    found[1, 5:] = True
    poses = mediapipe_baseline.as_poses(
        mediapipe_baseline.Found(found, landmarks_px, world_m), Path("v.mp4"), width_px=WIDTH_PX, height_px=HEIGHT_PX
    )
    (match,) = match_people(poses, [reference], frames=FRAMES)
    assert match.frames.tolist() == list(range(5, FRAMES))
    assert match.ids == (2,)
    off = errors(poses, match, reference)
    assert off.p_mpjpe_mm == pytest.approx(0, abs=0.1)
    assert off.n_mpjpe_mm == pytest.approx(0, abs=0.1)


def noisy(size: tuple[int, ...], *, offset: float, drift: float, jitter: float) -> Floats:
    """(F,N,2) a constant offset, a slow sine and white noise, with these standard deviations."""
    rng = np.random.default_rng(0)
    phase = 2 * np.pi * (np.arange(size[0])[:, None, None] / RATE_HZ + rng.random((1, *size[1:])))
    slow = np.sqrt(2) * np.sin(phase)
    return np.asarray(
        offset * rng.choice([-1, 1], (1, *size[1:])) + drift * slow + jitter * rng.standard_normal(size), np.float64
    )


def test_keypoint_noise_is_told_apart_by_how_fast_it_changes() -> None:
    off = noisy((FRAMES, 400, 2), offset=0.012, drift=0.009, jitter=0.004)
    off[10:13, ::4] += 0.2
    figures = keypoint_noise.noise_of(off, rate_hz=RATE_HZ)
    assert figures.bias == pytest.approx(0.012, rel=0.1)
    assert figures.drift == pytest.approx(0.009, rel=0.1)
    assert figures.jitter == pytest.approx(0.004, rel=0.1)
    assert figures.gross == pytest.approx(3 / FRAMES / 4, rel=0.1)
    assert figures.gross_size == pytest.approx(0.28, rel=0.1)
    assert figures.gross_span_s == pytest.approx(3 / RATE_HZ)


def test_mediapipe_looks_at_the_person_with_a_margin() -> None:
    limbs_px = np.zeros((1, 1, len(LIMB_JOINTS), 2))
    limbs_px[0, 0, 0], limbs_px[0, 0, 1] = (100, 400), (50, 200)
    assert mediapipe_baseline.regions_px(limbs_px[:, :, :2])[0, 0].tolist() == [0, 150, 150, 450]
    limbs_px[0, 0, 3] = np.nan
    assert np.isnan(mediapipe_baseline.regions_px(limbs_px)).all()


def test_a_python_without_mediapipe_is_told_so(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"No module named 'mediapipe'\" >&2; exit 1\n", "utf-8")
    python.chmod(0o755)
    with pytest.raises(InvalidInputError, match="No module named 'mediapipe'"):
        mediapipe_baseline.look(python, tmp_path / "clip.mp4", np.zeros((1, 1, 12, 2)))
