"""People keep their ids through crossings, gaps and doubled detections; what is no person gets none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftline.detections import Detections
from liftline.errors import LimitExceededError
from liftline.progress import FrameCounter, StopFlag
from liftline_lifter.tracking.frame_association import associate
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.similarity import Shapes, box_iou, distinct, similarity
from tests.synthetic_video import shot, thumbnails
from tests.unit.lifter.synthetic_people import FPS, as_people, detect, find, identities, owners, walker


def everything_but(frames: int, start: int, stop: int) -> np.ndarray:
    shown = np.ones(frames, np.bool_)
    shown[start:stop] = False
    return shown


def test_one_person_is_one_track_through_all_frames() -> None:
    detections = detect([walker(200, x_px=200, speed_px_s=100)])
    tracks = find(detections)
    assert [len(rows) for rows in tracks] == [200]


def test_people_side_by_side_keep_their_ids() -> None:
    people = [walker(150, x_px=200 + 150 * n, speed_px_s=90, phase=n) for n in range(4)]
    detections = detect(people)
    tracks = find(detections)
    assert [len(rows) for rows in tracks] == [150] * 4
    assert sorted(owners(detections, people, tracks), key=min) == [{0}, {1}, {2}, {3}]


@pytest.mark.parametrize("phase", [0.0, 0.7, 1.4, 2.1, 2.8])
@pytest.mark.parametrize("speeds", [(150, -150), (200, -80), (260, 90), (150, 0)])
def test_people_who_cross_in_full_view_keep_their_ids(speeds: tuple[float, float], phase: float) -> None:
    frames = 160
    meet = 0.5 * frames / FPS
    people = [
        walker(frames, x_px=640 - speed * meet, speed_px_s=speed, phase=phase * n, height_px=300 + 15 * n)
        for n, speed in enumerate(speeds)
    ]
    detections = detect(people)
    tracks = find(detections)
    assert sorted(owners(detections, people, tracks), key=min) == [{0}, {1}]


@pytest.mark.parametrize("hidden_s", [0.15, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("hidden", [0, 1])
@pytest.mark.parametrize("speeds", [(150, -150), (200, -80), (260, 90), (220, 0)])
def test_someone_hidden_while_crossing_another_gets_their_own_id_back(
    speeds: tuple[float, float], hidden: int, hidden_s: float
) -> None:
    frames = 200
    meet = 0.5 * frames / FPS
    people = [
        walker(frames, x_px=640 - speed * meet, speed_px_s=speed, phase=1.3 * n) for n, speed in enumerate(speeds)
    ]
    away = int(hidden_s * FPS / 2)
    shown = [np.ones(frames, np.bool_), np.ones(frames, np.bool_)]
    shown[hidden] = everything_but(frames, frames // 2 - away, frames // 2 + away)
    detections = detect(people, shown)
    tracks = find(detections)
    owned = owners(detections, people, tracks, besides=~shown[0] | ~shown[1])
    assert sorted(owned, key=min) == [{0}, {1}]
    assert sum(len(rows) for rows in tracks) >= 0.98 * sum(int(mask.sum()) for mask in shown)


@pytest.mark.parametrize("gap_s", [0.2, 0.6, 1.0, 1.8])
def test_someone_lost_for_a_while_gets_the_same_id_back(gap_s: float) -> None:
    frames, gap = 200, int(gap_s * FPS)
    detections = detect([walker(frames, x_px=200, speed_px_s=60)], [everything_but(frames, 80, 80 + gap)])
    assert [len(rows) for rows in find(detections)] == [frames - gap]


@pytest.mark.parametrize(("away", "tracks"), [(0.3, 1), (0.9, 2)])
def test_someone_curled_up_for_a_moment_is_who_is_not_seen_just_then(away: float, tracks: int) -> None:
    walk = walker(90, x_px=300, speed_px_s=60)
    upside_down = slice(40, 46)
    turned = walk.copy()
    middle = walk[upside_down].mean(axis=1, keepdims=True)
    turned[upside_down] = middle - 0.4 * (walk[upside_down] - middle) + [0, -300 * away]
    detections = detect([turned])
    found = find(detections)
    assert len(found) == tracks
    assert sum(len(rows) for rows in found) == 90


def test_someone_who_returns_much_later_is_a_new_track() -> None:
    detections = detect([walker(300, x_px=200, speed_px_s=10)], [everything_but(300, 60, 240)])
    assert [len(rows) for rows in find(detections)] == [60, 60]


@pytest.mark.parametrize(("width_px", "tracks"), [(800, 2), (None, 1)])
def test_whoever_walks_out_of_the_picture_is_not_who_walks_in_there_next(width_px: int | None, tracks: int) -> None:
    leaves, enters = walker(60, x_px=560, speed_px_s=120), walker(60, x_px=870, speed_px_s=-120)
    detections = detect([np.concatenate([leaves, enters])], [everything_but(120, 60, 78)])
    found = identities(detections, np.arange(120) / FPS, width_px=width_px)
    assert len(found.people) == tracks


def test_someone_half_out_of_the_picture_who_stands_there_gets_their_id_back() -> None:
    detections = detect([walker(120, x_px=790, speed_px_s=5)], [everything_but(120, 50, 80)])
    found = identities(detections, np.arange(120) / FPS, width_px=800)
    assert [len(rows) for rows in found.people] == [90]


def test_someone_who_appears_far_away_is_a_new_track() -> None:
    first, second = walker(120, x_px=200, speed_px_s=0), walker(120, x_px=1100, speed_px_s=0)
    detections = detect([first, second], [np.arange(120) < 60, np.arange(120) >= 60])
    assert [len(rows) for rows in find(detections)] == [60, 60]


def test_people_who_enter_and_leave_have_tracks_as_long_as_they_are_seen() -> None:
    people = [walker(240, x_px=100 + 300 * n, speed_px_s=40) for n in range(3)]
    shown = [np.arange(240) < 100, (np.arange(240) >= 50) & (np.arange(240) < 200), np.arange(240) >= 150]
    detections = detect(people, shown)
    assert sorted(len(rows) for rows in find(detections)) == [90, 100, 150]


def test_flicker_does_not_split_tracks_of_people_close_together() -> None:
    rng = np.random.default_rng(3)
    people = [walker(300, x_px=400 + 90 * n, speed_px_s=30, phase=2 * n) for n in range(2)]
    shown = [rng.random(300) > 0.2 for _ in people]
    detections = detect(people, shown)
    tracks = find(detections)
    assert sorted(owners(detections, people, tracks), key=min) == [{0}, {1}]


@pytest.mark.parametrize("offset_px", [2.0, 6.0, 10.0])
def test_someone_detected_twice_in_a_frame_is_one_track(offset_px: float) -> None:
    person = walker(100, x_px=300, speed_px_s=80)
    twice = np.arange(100) % 3 > 0
    detections = detect([person, person + offset_px], [np.ones(100, np.bool_), twice])
    assert [len(rows) for rows in find(detections)] == [100]


def test_someone_detected_twice_with_left_and_right_swapped_is_one_person() -> None:
    points = walker(1, x_px=300, speed_px_s=80, phase=1)[0]
    people = as_people([points, points[[0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]]], [0.8, 0.9])
    shapes = Shapes.of(people.keypoints_px, people.keypoint_scores, people.boxes_px)
    assert distinct(shapes, people.scores, duplicate_oks=0.6).tolist() == [1]


def test_two_people_in_one_place_with_other_poses_are_both_kept() -> None:
    people = as_people([walker(1, x_px=300, speed_px_s=80)[0], walker(1, x_px=345, speed_px_s=-80)[0]], [0.9, 0.9])
    shapes = Shapes.of(people.keypoints_px, people.keypoint_scores, people.boxes_px)
    assert distinct(shapes, people.scores, duplicate_oks=0.6).tolist() == [0, 1]


def test_a_short_false_detection_is_dropped() -> None:
    person, ghost = walker(150, x_px=300, speed_px_s=50), walker(150, x_px=900, speed_px_s=0)
    frames = np.arange(150)
    detections = detect([person, ghost], [frames >= 0, (frames > 70) & (frames < 73)])
    assert [len(rows) for rows in find(detections)] == [150]


def test_a_track_includes_the_frames_before_it_was_confirmed() -> None:
    frames = np.arange(150)
    detections = detect([walker(150, x_px=300, speed_px_s=50)], [frames >= 40])
    (rows,) = find(detections)
    assert detections.frame_index[rows[0]] == 40


def test_an_uncertain_track_is_dropped() -> None:
    detections = detect([walker(100, x_px=300, speed_px_s=50)])
    doubtful = replace(detections, scores=np.full(100, 0.1, np.float32))
    assert find(doubtful) == []


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_video_of_a_few_frames_has_tracks(frames: int) -> None:
    people = [walker(frames, x_px=200 + 400 * n, speed_px_s=50) for n in range(2)]
    assert [len(rows) for rows in find(detect(people))] == [frames, frames]


def test_a_video_without_people_has_no_tracks() -> None:
    nobody = Detections.from_frames([], start=0, stop=50, detector="synthetic")
    assert find(nobody) == []


def test_the_largest_person_seen_longest_comes_first() -> None:
    near = walker(100, x_px=900, speed_px_s=0, height_px=400)
    far = walker(100, x_px=200, speed_px_s=0, height_px=100)
    detections = detect([far, near])
    assert owners(detections, [far, near], find(detections)) == [{1}, {0}]


def test_keypoints_that_are_missing_do_not_break_a_track() -> None:
    person = walker(100, x_px=300, speed_px_s=80)
    person[30:60, 11:] = np.nan
    assert [len(rows) for rows in find(detect([person]))] == [100]


def test_uneven_frame_times_do_not_split_a_track() -> None:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 8, 160))
    person = np.concatenate([walker(1, x_px=200 + 80 * t, speed_px_s=1, phase=5.6 * t) for t in times])
    detections = detect([person])
    times_s = times[detections.frame_index]
    (piece,) = associate(
        detections, times_s, settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    )  # fmt: skip
    assert len(piece.rows) == 160


def test_more_tracks_than_allowed_are_refused() -> None:
    people = [walker(20, x_px=200 + 200 * n, speed_px_s=0, height_px=150) for n in range(5)]
    with pytest.raises(LimitExceededError, match="5 tracks of people, the limit is 4"):
        find(detect(people), settings=TrackSettings(max_tracks=4))


def filmed(detections: Detections, *shots: tuple[int, int]) -> Detections:
    """Detections with thumbnails of shots, each (scene, frames)."""
    pictures = [picture for scene, frames in shots for picture in shot(scene, frames)]
    return replace(detections, thumbnails=thumbnails(pictures))


def test_a_track_never_spans_a_cut_even_if_somebody_stands_in_the_same_place() -> None:
    detections = filmed(detect([walker(120, x_px=300, speed_px_s=10)]), (1, 50), (2, 70))
    spans = sorted(detections.frame_index[rows][[0, -1]].tolist() for rows in find(detections))
    assert spans == [[0, 49], [50, 119]]


def test_nobody_gets_their_id_back_beyond_a_cut() -> None:
    detections = detect([walker(120, x_px=300, speed_px_s=10)], [everything_but(120, 55, 75)])
    assert [len(rows) for rows in find(detections)] == [100]
    assert [len(rows) for rows in find(filmed(detections, (1, 65), (2, 55)))] == [55, 45]


def test_tracks_of_all_shots_are_ranked_together() -> None:
    heights = [150, 400, 300]
    people = [walker(150, x_px=300, speed_px_s=10, height_px=height) for height in heights]
    frames = np.arange(150)
    detections = detect(people, [frames < 50, (frames >= 50) & (frames < 100), frames >= 100])
    tracks = find(filmed(detections, (1, 50), (2, 50), (3, 50)))
    assert [int(detections.frame_index[rows[0]]) for rows in tracks] == [50, 100, 0]


def test_somebody_in_a_shot_of_three_frames_has_a_track() -> None:
    detections = filmed(detect([walker(63, x_px=300, speed_px_s=10)]), (1, 30), (2, 3), (3, 30))
    assert sorted(len(rows) for rows in find(detections)) == [3, 30, 30]


def test_somebody_small_in_front_of_somebody_large_is_no_duplicate() -> None:
    large = walker(60, x_px=400, speed_px_s=10, height_px=700, y_px=50)
    small = walker(60, x_px=380, speed_px_s=10, height_px=510, y_px=135)
    detections = detect([large, small], shuffle=False)
    for frame in range(60):
        people = detections.people(frame)
        shapes = Shapes.of(people.keypoints_px, people.keypoint_scores, people.boxes_px)
        assert distinct(shapes, people.scores, duplicate_oks=0.6).tolist() == [0, 1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_order_of_people_in_a_frame_does_not_matter(seed: int) -> None:
    people = [
        walker(60, x_px=200 + 130 * n, speed_px_s=(-1) ** n * 120, phase=n, height_px=250 + 20 * n) for n in range(3)
    ]
    plain = detect(people, noise_px=0, shuffle=False)
    shuffled = detect(people, noise_px=0, seed=seed)

    def places(detections: Detections) -> list[np.ndarray]:
        return [detections.keypoints_px[rows] for rows in find(detections)]

    for one, other in zip(places(plain), places(shuffled), strict=True):
        np.testing.assert_array_equal(one, other)


def test_oks_is_one_for_the_same_pose_and_falls_with_distance() -> None:
    points = np.stack([walker(1, x_px=x, speed_px_s=80)[0] for x in (300, 310, 340, 600)])
    people = as_people(list(points), [0.9] * 4)
    shapes = Shapes.of(people.keypoints_px, people.keypoint_scores, people.boxes_px)
    result = similarity(shapes, shapes)
    assert result.oks[0, 0] == pytest.approx(1)
    assert 1 > result.oks[0, 1] > result.oks[0, 2] > result.oks[0, 3] >= 0
    assert result.offset_bodies[0, 3] == pytest.approx(300 / shapes.size_px[0], rel=1e-3)


def test_box_iou_of_half_overlapping_squares_is_a_third() -> None:
    iou = box_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6], [0, 0, 2, 2]]))
    np.testing.assert_allclose(iou, [[1 / 3, 0, 1]])


def test_the_largest_of_a_crowd_are_kept_where_people_at_a_time_are_bounded() -> None:
    people = [walker(90, x_px=100 + 220 * n, speed_px_s=0, height_px=100 + 60 * n) for n in range(5)]
    detections = detect(people)
    found = identities(detections, np.arange(90) / FPS, settings=TrackSettings(max_people=2))
    assert owners(detections, people, found.people) == [{4}, {3}]
    assert found.left_out == 3


def test_people_who_come_one_after_the_other_are_all_kept_within_a_bound_of_one() -> None:
    people = [walker(180, x_px=200 + 300 * n, speed_px_s=20, height_px=200 - 20 * n) for n in range(3)]
    shown = [(np.arange(180) >= start) & (np.arange(180) < start + 60) for start in (0, 55, 115)]
    found = identities(detect(people, shown), np.arange(180) / FPS, settings=TrackSettings(max_people=1))
    assert [len(rows) for rows in found.people] == [60, 55, 60]
    assert found.left_out == 0


def test_the_bound_counts_people_who_are_hidden_for_a_moment() -> None:
    people = [walker(90, x_px=200 + 400 * n, speed_px_s=0, height_px=300 - 100 * n) for n in range(2)]
    shown = [everything_but(90, 30, 60), np.ones(90, np.bool_)]
    found = identities(detect(people, shown), np.arange(90) / FPS, settings=TrackSettings(max_people=1))
    assert ([len(rows) for rows in found.people], found.left_out) == ([60], 1)


def paused(times_s: np.ndarray, *, after: int, pause_s: float) -> np.ndarray:
    later = times_s.copy()
    later[after:] += pause_s
    return later


@pytest.mark.parametrize("pause_s", [0.7, 2.03, 8.0, 600.0])
def test_someone_who_stands_still_over_a_pause_in_the_recording_keeps_the_id(pause_s: float) -> None:
    times_s = paused(np.arange(90) / FPS, after=40, pause_s=pause_s)
    people = [walker(90, x_px=200, speed_px_s=0), walker(90, x_px=420, speed_px_s=0)]
    found = identities(detect(people), times_s).people
    assert [len(rows) for rows in found] == [90, 90]


def test_someone_else_after_a_pause_is_somebody_else() -> None:
    times_s = paused(np.arange(90) / FPS, after=40, pause_s=8.0)
    people = [walker(90, x_px=200, speed_px_s=0), walker(90, x_px=1500, speed_px_s=0)]
    seen = [np.arange(90) < 40, np.arange(90) >= 40]
    assert sorted(len(rows) for rows in identities(detect(people, seen), times_s).people) == [40, 50]


def test_an_absence_over_a_pause_counts_what_was_recorded_of_it() -> None:
    times_s = paused(np.arange(300) / FPS, after=150, pause_s=5.0)
    detections = detect([walker(300, x_px=200, speed_px_s=0)], [everything_but(300, 60, 240)])
    assert [len(rows) for rows in identities(detections, times_s).people] == [60, 60]
