"""People followed from frame to frame, as BlazePose does, for several people at once.

Whoever was there is looked for where the last frame's landmarks point; only those who are lost, and those who may have
appeared, cost a run of the person detector. Which person is which over the whole video is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.ports import DetectorSession
from liftline.video.frames import Frame
from liftline_detector.blazepose.geometry import Region, View
from liftline_detector.blazepose.landmarks import Landmarks
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.blazepose.people import distance, is_visible, people
from liftline_detector.blazepose.persons import Candidate
from liftline_detector.blazepose.search import Search

_LOST_VIEW, _CONFIRM_VIEW = 1.6, 1.3
"""Sides of the views around a lost and a followed person, in regions."""


class PersonFinder(Protocol):
    """Finds candidates in a view: `persons.PersonModel`, or a fake in tests."""

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        """Candidates in a view, the best first."""
        ...


class LandmarkFinder(Protocol):
    """Finds the landmarks in a region: `landmarks.LandmarkModel`, or a fake in tests."""

    def find(self, rgb: NDArray[np.uint8], region: Region) -> Landmarks:
        """The landmarks of whoever is in a region."""
        ...


@dataclass(frozen=True, eq=False)
class Followed:
    """Somebody in the current frame; `confirmed_s` is when it was last certain that this is a person."""

    pose: Landmarks
    confirmed_s: float
    checked_s: float
    frames: int
    reported: bool


@dataclass(frozen=True)
class Lost:
    """Where somebody was last, and when."""

    region: Region
    since_s: float


class BlazePoseSession(DetectorSession):
    """One run over consecutive frames."""

    def __init__(self, persons: PersonFinder, landmarks: LandmarkFinder, options: BlazePoseOptions) -> None:
        """Start with nobody."""
        self._persons, self._landmarks, self._options = persons, landmarks, options
        self._followed: list[Followed] = []
        self._lost: list[Lost] = []
        self._search: Search | None = None

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each of the next frames."""
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> People:
        height, width = frame.rgb.shape[:2]
        if self._search is None:
            self._search = Search(width, height, self._options)
        self._follow(frame)
        self._admit(frame, self._candidates(frame, self._search))
        reported = [f.pose for f in self._followed if f.reported]
        return people(reported, width=width, height=height)

    def _follow(self, frame: Frame) -> None:
        """Look for everyone of the last frame in their next region; whoever isn't there is lost."""
        options, kept = self._options, list[Followed]()
        self._lost = [x for x in self._lost if frame.time_s - x.since_s <= options.search_lost_s]
        for person in self._followed:
            pose = self._landmarks.find(frame.rgb, person.pose.next_region)
            now = self._updated(person, pose, frame.time_s)
            if not self._is_there(pose, frame) or now.confirmed_s < frame.time_s - options.forget_unconfirmed_s:
                if person.reported:
                    self._lost.append(Lost(person.pose.next_region, frame.time_s))
            elif all(distance(pose, other.pose) > options.same_pose for other in kept):
                kept.append(now)
        self._followed = kept

    def _updated(self, person: Followed, pose: Landmarks, time_s: float) -> Followed:
        frames = person.frames + 1
        trusted = pose.flag >= self._options.trusted_flag
        return replace(
            person,
            pose=pose,
            confirmed_s=time_s if trusted else person.confirmed_s,
            frames=frames,
            reported=person.reported or frames > self._options.probation_frames,
        )

    def _is_there(self, pose: Landmarks, frame: Frame) -> bool:
        height, width = frame.rgb.shape[:2]
        sane = 8 < pose.next_region.size_px < 8 * max(width, height)
        return pose.flag >= self._options.keep_flag and sane and is_visible(pose, width=width, height=height)

    def _candidates(self, frame: Frame, search: Search) -> list[Candidate]:
        """What the person detector finds in the views that are due, the best first."""
        views = [x.region.view(_LOST_VIEW) for x in self._lost[-self._options.lost_views_per_frame :]]
        views += self._unconfirmed(frame.time_s)
        if len(self._followed) < self._options.max_people:
            views += search.due(frame.time_s, nobody=not self._followed)
        found = [c for view in views for c in self._persons.find(frame.rgb, view) if _belongs(c.region, view)]
        return sorted(found, key=lambda c: -c.score)

    def _unconfirmed(self, time_s: float) -> list[View]:
        """A view around the one followed person whose last check is the oldest, if it is due."""
        due = [f for f in self._followed if time_s - max(f.checked_s, f.confirmed_s) >= self._options.confirm_after_s]
        if not due:
            return []
        oldest = min(due, key=lambda f: f.checked_s)
        self._followed = [replace(f, checked_s=time_s) if f is oldest else f for f in self._followed]
        return [oldest.pose.next_region.view(_CONFIRM_VIEW)]

    def _admit(self, frame: Frame, candidates: Sequence[Candidate]) -> None:
        """Take in candidates who are nobody known yet, and confirm those who are."""
        budget = self._options.candidates_per_frame * (4 if not self._followed else 1)
        tried: list[Region] = []
        for candidate in candidates:
            known = [f for f in self._followed if candidate.region.is_like(f.pose.next_region)]
            if known:
                self._confirm(known, frame.time_s)
            elif budget and not any(candidate.region.is_like(r, distance=0.1) for r in tried):
                budget -= 1
                tried.append(candidate.region)
                self._try(frame, candidate)

    def _confirm(self, known: Sequence[Followed], time_s: float) -> None:
        self._followed = [replace(f, confirmed_s=time_s) if f in known else f for f in self._followed]

    def _try(self, frame: Frame, candidate: Candidate) -> None:
        """Look at a candidate twice, the second time where the first look points."""
        options = self._options
        if len(self._followed) >= options.max_people:
            return
        first = self._landmarks.find(frame.rgb, candidate.region)
        if first.flag < options.keep_flag:
            return
        pose = self._landmarks.find(frame.rgb, first.next_region)
        if pose.flag < options.appear_flag or not self._is_there(pose, frame):
            return
        if any(distance(pose, f.pose) <= options.same_pose for f in self._followed):
            return
        back = [x for x in self._lost if x.region.is_like(pose.next_region, distance=0.4, ratio=2)]
        self._lost = [x for x in self._lost if x not in back]
        sure = bool(back) or candidate.score >= options.sure_score
        self._followed.append(Followed(pose, frame.time_s, frame.time_s, 1, sure))


def _belongs(region: Region, view: View) -> bool:
    """Whether a candidate's hips are in the view and the view shows most of it: else another view sees it better."""
    x, y = region.x_px - view.left_px, region.y_px - view.top_px
    return 0 <= x <= view.size_px and 0 <= y <= view.size_px and region.size_px <= 2 * view.size_px
