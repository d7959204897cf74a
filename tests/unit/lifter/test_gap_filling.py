"""What a detector missed is interpolated in time, marked, and never invented where a keypoint was seen."""

from __future__ import annotations

import numpy as np
import pytest

from liftline_lifter.tracking.gap_filling import FilledTrack, fill


def moving(frames: np.ndarray) -> np.ndarray:
    """(N,17,2) keypoints that move at constant speed, different for each joint."""
    return (np.arange(34).reshape(17, 2) + frames[:, None, None] * 3.0).astype(np.float32)


def filled(
    frames: list[int], keypoints: np.ndarray, scores: np.ndarray, times_s: np.ndarray | None = None
) -> FilledTrack:
    index = np.array(frames, np.int64)
    return fill(
        index,
        np.arange(100) / 30 if times_s is None else times_s,
        boxes_px=np.stack([index, index, index + 10, index + 20], axis=1).astype(np.float32),
        scores=np.full(len(frames), 0.8, np.float32),
        keypoints_px=keypoints,
        keypoint_scores=scores,
    )


def test_a_gap_is_filled_linearly_and_marked() -> None:
    frames = [5, 6, 10, 11]
    track = filled(frames, moving(np.array(frames)), np.full((4, 17), 0.9, np.float32))
    assert track.frame_index.tolist() == list(range(5, 12))
    assert track.observed.tolist() == [True, True, False, False, False, True, True]
    np.testing.assert_allclose(track.keypoints_px, moving(np.arange(5, 12)), atol=1e-4)
    np.testing.assert_allclose(track.boxes_px[:, 0], np.arange(5, 12), atol=1e-5)
    assert np.all(track.keypoint_scores[~track.observed] == 0)
    assert np.all(track.keypoint_scores[track.observed] == np.float32(0.9))


def test_gaps_are_filled_by_time_not_by_frame_count() -> None:
    times = np.cumsum(np.r_[0, np.tile([1, 3], 50)])[:100] / 30.0
    frames = [0, 3]
    track = filled(frames, moving(times[frames] * 10), np.ones((2, 17), np.float32), times)
    np.testing.assert_allclose(track.keypoints_px, moving(times[:4] * 10), atol=1e-4)


def test_a_missing_keypoint_is_interpolated_and_held_at_the_ends() -> None:
    points, scores = moving(np.arange(10)), np.full((10, 17), 0.9, np.float32)
    points[[0, 1, 5, 9], 7] = np.nan
    scores[[0, 1, 5, 9], 7] = 0
    track = filled(list(range(10)), points, scores)
    assert np.isfinite(track.keypoints_px).all()
    np.testing.assert_allclose(track.keypoints_px[5, 7], moving(np.array([5]))[0, 7], atol=1e-4)
    np.testing.assert_allclose(track.keypoints_px[:2, 7], np.repeat(moving(np.array([2]))[:, 7], 2, axis=0))
    assert track.observed.all()


def test_a_badly_scored_keypoint_between_good_ones_is_replaced() -> None:
    points, scores = moving(np.arange(10)), np.full((10, 17), 0.9, np.float32)
    points[5, 3], scores[5, 3] = 999, 0.02
    track = filled(list(range(10)), points, scores)
    np.testing.assert_allclose(track.keypoints_px[5, 3], moving(np.array([5]))[0, 3], atol=1e-4)
    assert track.keypoint_scores[5, 3] == 0


def test_a_badly_scored_keypoint_far_from_good_ones_is_kept() -> None:
    points, scores = moving(np.arange(60)), np.full((60, 17), 0.9, np.float32)
    scores[10:50, 3] = 0.02
    points[30, 3] = 77
    track = filled(list(range(60)), points, scores)
    np.testing.assert_allclose(track.keypoints_px[30, 3], [77, 77])
    assert track.keypoint_scores[30, 3] == np.float32(0.02)


def test_a_keypoint_never_found_takes_the_mean_place_of_the_others() -> None:
    points, scores = moving(np.arange(5)), np.full((5, 17), 0.9, np.float32)
    points[:, 16], scores[:, 16] = np.nan, 0
    track = filled(list(range(5)), points, scores)
    np.testing.assert_allclose(track.keypoints_px[:, 16], moving(np.arange(5))[:, :16].mean(axis=1), rtol=1e-5)
    assert np.all(track.keypoint_scores[:, 16] == 0)


def test_a_track_without_any_keypoint_still_has_numbers() -> None:
    track = filled([3], np.full((1, 17, 2), np.nan, np.float32), np.zeros((1, 17), np.float32))
    assert np.isfinite(track.keypoints_px).all()


@pytest.mark.parametrize("frames", [[7], [0, 99]])
def test_the_shortest_and_longest_tracks_are_filled(frames: list[int]) -> None:
    track = filled(frames, moving(np.array(frames)), np.ones((len(frames), 17), np.float32))
    assert len(track.frame_index) == frames[-1] - frames[0] + 1
