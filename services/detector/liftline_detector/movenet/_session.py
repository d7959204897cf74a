"""Everyone in consecutive frames: BlazePose follows people, Thunder reads them, and follows whom BlazePose can't.

Identities over the whole video are the track stage's, not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.frames import Frame
from liftline.ports import DetectorSession
from liftline.skeletons import BLAZEPOSE33_TO_COCO17
from liftline_detector.blazepose.geometry import Region
from liftline_detector.blazepose.landmarks import LandmarkFinder, Landmarks
from liftline_detector.blazepose.search import Search
from liftline_detector.blazepose.session import BlazePoseSession, Followed
from liftline_detector.movenet._evidence import NONE, distance, same_box, support
from liftline_detector.movenet._people import Person, region_of, to_people
from liftline_detector.movenet.multipose import Candidate, PeopleFinder
from liftline_detector.movenet.options import MoveNetOptions
from liftline_detector.movenet.thunder import (
    ROOMY_TORSOS,
    KeypointReader,
    Reading,
    box_around,
    covered_share,
    square_around,
    upright_square,
)

_COCO = np.array(BLAZEPOSE33_TO_COCO17)
_LOST_VIEW = 1.6
Points = NDArray[np.float32]


class MoveNetSession(DetectorSession):
    """One run over consecutive frames."""

    def __init__(
        self, blazepose: BlazePoseSession, landmarks: LandmarkFinder, reader: KeypointReader, finder: PeopleFinder,
        options: MoveNetOptions,
    ) -> None:  # fmt: skip
        """A session that has seen no frame yet; `blazepose` hasn't either, and looks with the same `landmarks`."""
        self._blazepose, self._landmarks, self._reader, self._finder = blazepose, landmarks, reader, finder
        self._options = options
        self._people: list[Person] = []
        self._search: Search | None = None

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each of the next frames."""
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> People:
        followed, before = self._blazepose.follow(frame), self._people
        numbers = {person.number for person in followed}
        alone = [person for person in before if person.number not in numbers]
        points = [person.pose.points_px[_COCO] for person in followed] + [p.reading.keypoints_px for p in alone]
        self._people = self._followed(frame, followed, before, points)
        lost = self._alone(frame, alone, points, first=len(followed))
        self._add_newcomers(frame, lost)
        height, width = frame.rgb.shape[:2]
        return to_people([p for p in self._people if self._is_believed(p)], width=width, height=height)

    def _followed(
        self, frame: Frame, followed: Sequence[Followed], before: Sequence[Person], points: Sequence[Points]
    ) -> list[Person]:
        """Those whom BlazePose sees, read in squares around its landmarks."""
        known: Mapping[int | None, Person] = {person.number: person for person in before if person.number is not None}
        people = []
        for position, (number, pose) in enumerate((person.number, person.pose) for person in followed):
            earlier, square = known.get(number), square_around(points[position])
            if earlier is not None:
                square = square.eased(earlier.reading.square)
            reading = self._read(frame, square, points, position, earlier)
            if earlier is None:
                earlier = next((p for p in before if self._is_same(reading, p.reading)), None)
            people.append(self._person(frame, reading, self._blazepose.looked_twice(frame, pose), number, earlier))
        return people

    def _alone(self, frame: Frame, alone: Sequence[Person], points: Sequence[Points], *, first: int) -> list[Person]:
        """Keep those of the last frame whom Thunder still sees without BlazePose's session; whom it doesn't see."""
        lost = []
        for position, person in enumerate(alone, first):
            square = square_around(person.reading.keypoints_px).eased(person.reading.square)
            reading = self._read(frame, square, points, position, person)
            if any(self._is_same(reading, other.reading) for other in self._people) or self._is_part(reading):
                continue
            if reading.strength < self._options.keep_strength or not _is_on(reading, frame):
                lost.append(person)
            else:
                self._people.append(self._person(frame, reading, self._look(frame, reading), None, person))
        return lost

    def _person(
        self, frame: Frame, reading: Reading, pose: Landmarks | None, number: int | None, earlier: Person | None
    ) -> Person:
        evidence, options = NONE if earlier is None else earlier.evidence, self._options
        now = support(reading, pose, agreeing=options.agreeing, certain=options.certain_strength)
        steady = reading if earlier is None else reading.eased(earlier.reading)
        return Person(steady, pose, number, evidence.after(now, frame.time_s, over_s=options.evidence_s))

    def _look(self, frame: Frame, reading: Reading) -> Landmarks | None:
        """BlazePose's landmarks of somebody whom its session doesn't follow, if it sees the same pose."""
        pose = self._landmarks.find(frame.rgb, region_of(reading.keypoints_px))
        apart = distance(reading.keypoints_px, pose.points_px[_COCO], size_px=reading.square.size_px)
        return pose if pose.flag >= self._options.blazepose.keep_flag and apart < self._options.agreeing else None

    def _read(
        self, frame: Frame, square: Region, points: Sequence[Points], position: int, earlier: Person | None
    ) -> Reading:
        """Read somebody in a square; where that says little, in a roomier one around where they were."""
        certain = self._options.certain_strength
        reading = self._read_apart(frame, square, points, position)
        if reading.strength >= certain:
            return reading
        known = earlier is not None and earlier.reading.strength >= certain
        around = earlier.reading.keypoints_px if earlier is not None and known else points[position]
        roomy = upright_square(around, torsos=ROOMY_TORSOS)
        return max(reading, self._read_apart(frame, roomy, points, position), key=lambda r: r.strength)

    def _read_apart(self, frame: Frame, square: Region, points: Sequence[Points], position: int) -> Reading:
        """Whoever overlaps with somebody is painted over, unless the picture as it is leaves no doubt."""
        over, own = self._over(points, position), points[position]
        if over:
            plain = self._reader.read(frame.rgb, square)
            apart = [distance(plain.keypoints_px, other, size_px=square.size_px) for other in (own, *over)]
            if apart[0] < self._options.same_reading and apart[0] < min(apart[1:]) / 2:
                return plain
        return self._reader.read(frame.rgb, square, hidden=over)

    def _over(self, points: Sequence[Points], position: int) -> list[Points]:
        """The keypoints of those who overlap with somebody."""
        others = [other for place, other in enumerate(points) if place != position]
        if not others:
            return []
        shares = covered_share(box_around(points[position]), np.stack([box_around(other) for other in others]))
        return [other for other, share in zip(others, shares, strict=True) if share > self._options.overlap]

    def _is_same(self, reading: Reading, other: Reading) -> bool:
        size, options = min(reading.square.size_px, other.square.size_px), self._options
        if distance(reading.keypoints_px, other.keypoints_px, size_px=size) < options.same_reading:
            return True
        apart = np.linalg.norm(reading.keypoints_px - other.keypoints_px, axis=1) / size
        return int((apart < options.shared_within).sum()) >= options.shared_keypoints

    def _is_part(self, reading: Reading) -> bool:
        """Whether an uncertain reading lies in the box of somebody who is certain: then it is a part of theirs."""
        options = self._options
        if reading.strength >= options.certain_strength:
            return False
        certain = [p.reading.box_px for p in self._people if p.reading.strength >= options.certain_strength]
        return bool(certain) and bool(covered_share(reading.box_px, np.stack(certain)).max() > options.inside)

    def _is_likely(self, person: Person) -> bool:
        return person.evidence.score >= self._options.score_threshold

    def _is_believed(self, person: Person) -> bool:
        if not self._is_likely(person):
            return False
        return person.number is not None or person.evidence.frames >= self._options.confirm_frames

    def _add_newcomers(self, frame: Frame, lost: Sequence[Person]) -> None:
        """Look where somebody may be whom BlazePose doesn't find."""
        options, first = self._options, self._search is None
        if self._search is None:
            self._search = Search(frame.rgb.shape[1], frame.rgb.shape[0], self._options.search)
        views = [person.reading.square.view(_LOST_VIEW) for person in lost[:1]]
        views += self._search.due(frame.time_s, [person.reading.square for person in self._people])
        candidates = [candidate for view in views for candidate in self._finder.find(frame.rgb, view)]
        left = options.readings_at_first if first else options.readings_per_frame
        for candidate in sorted(candidates, key=lambda c: -c.score):
            if left > 0 and self._is_elsewhere(candidate.keypoints_px):
                left -= 1
                self._try(frame, candidate)

    def _is_elsewhere(self, points_px: Points) -> bool:
        """Whether a body is none of those who are known."""
        known = [
            (person.reading.keypoints_px, person.reading.square) for person in self._people if self._is_likely(person)
        ]
        return not any(
            distance(points_px, other, size_px=square.size_px) < self._options.same_reading
            or same_box(points_px, other) > self._options.same_box
            for other, square in known
        )

    def _try(self, frame: Frame, candidate: Candidate) -> None:
        """Follow a candidate whom readings show, each in a square around the last, until two of them agree."""
        options = self._options
        others = [person.reading.keypoints_px for person in self._people if self._is_likely(person)]
        points_px = candidate.keypoints_px
        for attempt in range(options.readings_of_candidate):
            square = upright_square(points_px)
            reading = self._reader.read(frame.rgb, square, hidden=self._over([points_px, *others], 0))
            if reading.strength < options.doubtful_strength:
                return
            apart = float(np.median(np.linalg.norm(reading.keypoints_px - points_px, axis=1))) / square.size_px
            points_px = reading.keypoints_px
            if attempt and apart <= options.agreement:
                break
        else:
            return
        large = np.ptp(points_px, axis=0).max() >= options.smallest_px
        appears = large and reading.strength >= options.appear_strength and _is_on(reading, frame)
        if appears and self._is_elsewhere(points_px) and not self._is_part(reading):
            self._people.append(self._person(frame, reading, None, None, None))


def _is_on(reading: Reading, frame: Frame) -> bool:
    """Whether the middle of the keypoints is on the image."""
    x, y = reading.keypoints_px.mean(axis=0)
    height, width = frame.rgb.shape[:2]
    return bool(0 <= x <= width and 0 <= y <= height)
