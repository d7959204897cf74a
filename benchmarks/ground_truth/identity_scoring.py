"""People marked by eye in some frames of a video, and how well tracks keep to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from liftline.skeletons import COCO17

MARKS = Path(__file__).parent / "identity_marks.json"

_TORSO = COCO17.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_UNREACHABLE = 1e6


@dataclass(frozen=True)
class Person:
    """Somebody to be tracked: frame -> middle of the torso (x, y), px; a track within reach_px of it may be theirs."""

    reach_px: float
    marks: Mapping[int, tuple[float, float]]


@dataclass(frozen=True)
class Track:
    """What a tracker says: frames (N,), rising, and the middle of the torso in each (N,2), px."""

    frames: NDArray[np.int64]
    torso_px: NDArray[np.float64]

    @classmethod
    def of(cls, frames: NDArray[np.int64], keypoints_px: NDArray[np.floating]) -> Track:
        """From COCO keypoints (N,17,2)."""
        return cls(frames, keypoints_px[:, _TORSO].mean(axis=1))

    def at(self, frame: int) -> NDArray[np.float64] | None:
        """(2,) where it is in a frame, if it is."""
        row = int(np.searchsorted(self.frames, frame))
        return self.torso_px[row] if row < len(self.frames) and self.frames[row] == frame else None


@dataclass(frozen=True)
class Score:
    """How tracks fit people, over the marked frames.

    people: marked; ids: tracks that were on somebody in a marked frame; switches: how often somebody's id differed from
    their last one; fragmentations: how often somebody was lost and found again; covered of marks: person-frames;
    astray: places of tracks in marked frames that are nobody's.
    """

    people: int
    ids: int
    switches: int
    fragmentations: int
    covered: int
    marks: int
    astray: int

    @property
    def coverage(self) -> float:
        """Share of the marked person-frames with a track on the person."""
        return self.covered / self.marks


def load_marks(path: Path = MARKS) -> dict[str, dict[str, Person]]:
    """Video file name -> name of a person -> their marks."""
    videos = json.loads(path.read_text("utf-8"))
    return {
        video: {
            name: Person(person["reach_px"], {frame: (x, y) for frame, x, y in person["marks"]})
            for name, person in people.items()
        }
        for video, people in videos.items()
    }


def score(tracks: Sequence[Track], people: Sequence[Person]) -> Score:
    """Match frame by frame and count, as CLEAR MOT does (Bernardin and Stiefelhagen, 2008).

    Whoever had a track keeps it while it is within reach; the others get the nearest ones by the smallest total.
    """
    last: dict[int, int] = {}
    lost: set[int] = set()
    ids: set[int] = set()
    switches = fragmentations = covered = astray = 0
    for frame in sorted({frame for person in people for frame in person.marks}):
        found = _match(frame, tracks, people, last)
        shown = [n for n, track in enumerate(tracks) if track.at(frame) is not None]
        switches += sum(last.get(person, track) != track for person, track in found.items())
        fragmentations += sum(person in lost for person in found)
        lost -= found.keys()
        lost |= {n for n, person in enumerate(people) if frame in person.marks and n in last and n not in found}
        last |= found
        ids |= set(found.values())
        covered += len(found)
        astray += len(shown) - len(found) if _all_marked(frame, people) else 0
    marks = sum(len(person.marks) for person in people)
    return Score(len(people), len(ids), switches, fragmentations, covered, marks, astray)


def _all_marked(frame: int, people: Sequence[Person]) -> bool:
    """Whether everyone who is there about this frame is marked in it."""
    return all(frame in p.marks for p in people if min(p.marks) <= frame <= max(p.marks))


def _match(frame: int, tracks: Sequence[Track], people: Sequence[Person], last: Mapping[int, int]) -> dict[int, int]:
    """Person -> track in this frame."""
    cost = np.full((len(people), len(tracks)), _UNREACHABLE)
    for row, person in enumerate(people):
        for column, track in enumerate(tracks):
            place = track.at(frame)
            if place is None or frame not in person.marks:
                continue
            apart = float(np.linalg.norm(place - person.marks[frame])) / person.reach_px
            if apart < 1:
                cost[row, column] = apart - (2.0 if last.get(row) == column else 0.0)
    rows, columns = linear_sum_assignment(cost)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _UNREACHABLE}
