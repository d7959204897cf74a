"""The identity benchmark counts what it says: ids, switches, fragmentations, coverage."""

from __future__ import annotations

import numpy as np

from benchmarks.ground_truth.identity_scoring import Person, Track, load_marks, score

STILL = Person(20.0, dict.fromkeys(range(0, 100, 10), (100.0, 100.0)))
MOVING = Person(20.0, {frame: (300.0 - 2 * frame, 100.0) for frame in range(0, 100, 10)})


def track(start: int, stop: int, *, x: float = 100.0, speed: float = 0.0) -> Track:
    frames = np.arange(start, stop)
    return Track(frames, np.stack([x + speed * frames, np.full(len(frames), 100.0)], axis=1))


def test_a_track_per_person_is_perfect_even_where_they_cross() -> None:
    found = score([track(0, 100), track(0, 100, x=300, speed=-2)], [STILL, MOVING])
    assert (found.ids, found.switches, found.fragmentations, found.coverage, found.astray) == (2, 0, 0, 1.0, 0)


def test_tracks_that_swap_people_are_two_switches() -> None:
    meets = Track(
        np.arange(100), np.stack([np.where(np.arange(100) < 50, 100, 300 - 2 * np.arange(100)), np.full(100, 100)], 1)
    )
    other = Track(
        np.arange(100), np.stack([np.where(np.arange(100) < 50, 300 - 2 * np.arange(100), 100), np.full(100, 100)], 1)
    )
    assert score([meets, other], [STILL, MOVING]).switches == 2


def test_somebody_lost_and_found_under_another_id_is_a_switch_and_a_fragmentation() -> None:
    found = score([track(0, 35), track(55, 100)], [STILL])
    assert (found.ids, found.switches, found.fragmentations, found.covered, found.marks) == (2, 1, 1, 8, 10)


def test_somebody_lost_and_found_under_their_own_id_is_a_fragmentation_only() -> None:
    both = Track(np.r_[0:35, 55:100], np.full((80, 2), 100.0))
    found = score([both], [STILL])
    assert (found.ids, found.switches, found.fragmentations) == (1, 0, 1)


def test_a_track_on_nobody_is_astray_and_no_id() -> None:
    found = score([track(0, 100), track(0, 100, x=500)], [STILL])
    assert (found.ids, found.astray) == (1, 10)


def test_the_marks_in_the_repository_are_inside_their_videos() -> None:
    marks = load_marks()
    assert len(marks) == 6
    for people in marks.values():
        assert len(people) >= 2
        assert all(len(person.marks) >= 5 and person.reach_px > 0 for person in people.values())
        assert all(0 <= x <= 1768 and 0 <= y <= 1920 for person in people.values() for x, y in person.marks.values())
