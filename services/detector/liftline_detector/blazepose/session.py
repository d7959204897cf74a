"""BlazePose's tracking from frame to frame (Bazarevsky et al., 2020), for several people at once.

Everyone of the last frame is looked for where its landmarks point; only people who are lost, and those who may have
appeared, cost a run of the person detector. Identities over the whole video are the track stage's, not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from liftline.detections import People
from liftline.frames import Frame
from liftline.ports import DetectorSession
from liftline_detector.blazepose.from_landmarks import distance, is_on, is_visible, same_place, to_people
from liftline_detector.blazepose.geometry import Region, View
from liftline_detector.blazepose.landmarks import LandmarkFinder, Landmarks, averaged, confirmed
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.blazepose.person_detector import Candidate, PersonFinder
from liftline_detector.blazepose.search import Search

_WIDER = 1.3
_LOST_VIEW = 1.6
_PROBES = ((1.3, 0.0), (1.0, 0.5), (1.0, -0.5))
"""Scale and turn, in radians, of the regions that tell a person from something that looks like one by chance."""


@dataclass(frozen=True, eq=False)
class Followed:
    """Somebody in the current frame; `proven_s` is when it was last certain that this is a person.

    `number` is theirs for as long as they are followed without a break.
    """

    number: int
    pose: Landmarks
    proven_s: float
    probed_s: float


@dataclass(frozen=True)
class Lost:
    """Where somebody was last, and when."""

    region: Region
    since_s: float
    proven_s: float


class BlazePoseSession(DetectorSession):
    """One run over consecutive frames, which tracks everyone it reports."""

    def __init__(self, person_detector: PersonFinder, landmarks: LandmarkFinder, options: BlazePoseOptions) -> None:
        """A session that has seen no frame yet."""
        self._person_detector, self._landmarks, self._options = person_detector, landmarks, options
        self._followed: list[Followed] = []
        self._lost: list[Lost] = []
        self._search: Search | None = None
        self._numbers = count()

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each of the next frames."""
        return [self._detect(frame) for frame in frames]

    def follow(self, frame: Frame) -> Sequence[Followed]:
        """Everyone in the next frame, whatever may be wrong with their landmarks where people are near each other."""
        height, width = frame.rgb.shape[:2]
        if self._search is None:
            self._search = Search(width, height, self._options)
        self._follow(frame)
        self._probe_one(frame)
        self._add_newcomers(frame, self._candidates(frame, self._search))
        return tuple(self._followed)

    def _detect(self, frame: Frame) -> People:
        height, width = frame.rgb.shape[:2]
        shown = [f.pose for f in self.follow(frame) if f.pose.flag >= self._options.score_threshold]
        return to_people([self._confirmed(frame, pose) for pose in shown], width=width, height=height)

    def looked_twice(self, frame: Frame, pose: Landmarks) -> Landmarks:
        """The pose of somebody large whom others are near, after a mirrored look with those painted over.

        Landmarks that both looks put in one place are their mean; of the others less is visible.
        """
        near = self._near_somebody_large(pose)
        if not near:
            return pose
        look = self._landmarks.find(frame.rgb, pose.next_region, hidden=near, mirrored=True)
        return averaged(pose, look, within=self._options.confirmed_pose)

    def _confirmed(self, frame: Frame, pose: Landmarks) -> Landmarks:
        """The pose, with less trust in what the model takes from whoever is near: a mirrored look gives that away."""
        region, near = pose.next_region, self._near_somebody_large(pose)
        if not near:
            return pose
        look = self._landmarks.find(frame.rgb, region, mirrored=True)
        if distance(look, pose) > self._options.merged_pose:
            look = self._landmarks.find(frame.rgb, region, hidden=near, mirrored=True)
        return confirmed(pose, look, within=self._options.confirmed_pose)

    def _follow(self, frame: Frame) -> None:
        """Look for everyone of the last frame in their next region; whoever isn't there is lost.

        Where two end up on one body, it stays with whoever moved less, and the other is looked for behind it.
        """
        options = self._options
        self._lost = [x for x in self._lost if frame.time_s - x.since_s <= options.search_lost_s]
        proven = [f for f in self._followed if f.proven_s >= frame.time_s - options.forget_after_s]
        looks = [(person, self._landmarks.find(frame.rgb, person.pose.next_region)) for person in proven]
        self._followed = []
        for person, seen in sorted(looks, key=lambda look: distance(look[0].pose, look[1])):
            alone = self._is_there(seen, frame, apart=options.crowded_pose)
            pose = seen if alone else self._search_occluded(frame, person.pose.next_region)
            if pose is None and self._is_there(seen, frame, apart=options.merged_pose):
                pose = seen
            if pose is None:
                self._lost.append(Lost(person.pose.next_region, frame.time_s, person.proven_s))
            else:
                self._followed.append(replace(person, pose=_steadied(pose, person.pose.next_region)))

    def _search_occluded(self, frame: Frame, region: Region) -> Landmarks | None:
        """Somebody occluded by others: looked for in a region or a wider one, with the tracked people painted over."""
        near = self._near(region)
        for wider in ([region] if near else []) + [region.scaled(_WIDER)]:
            pose = self._landmarks.find(frame.rgb, wider, hidden=near)
            if self._is_there(pose, frame, apart=self._options.merged_pose):
                return pose
        return None

    def _near_somebody_large(self, pose: Landmarks) -> list[Landmarks]:
        """Tracked people who may occlude somebody whom a second look is worth; nobody where it isn't."""
        region = pose.next_region
        return self._near(region, but=pose) if region.size_px >= self._options.confirmed_from_px else []

    def _near(self, region: Region, *, but: Landmarks | None = None) -> list[Landmarks]:
        """Tracked people who may occlude somebody in a region."""
        poses = (f.pose for f in self._followed if f.pose is not but)
        return [pose for pose in poses if region.is_like(pose.next_region, distance=1, ratio=4)]

    def _is_there(self, pose: Landmarks, frame: Frame, *, apart: float) -> bool:
        """Whether a look at somebody who is followed found them, and not another one who is."""
        return pose.flag >= self._options.keep_flag and self._is_new(pose, frame, apart=apart)

    def _is_new(self, pose: Landmarks, frame: Frame, *, apart: float) -> bool:
        """Whether somebody is on the image, `apart` from everyone who is followed."""
        height, width = frame.rgb.shape[:2]
        if not is_visible(pose, width=width, height=height):
            return False
        return all(distance(pose, other.pose) > apart for other in self._followed)

    def _probe_one(self, frame: Frame) -> None:
        """Probe the one person whose last probe is the oldest, if it is due."""
        due = [f for f in self._followed if frame.time_s - f.probed_s >= self._options.probe_every_s]
        if due:
            oldest = min(due, key=lambda f: f.probed_s)
            near = self._near(oldest.pose.next_region, but=oldest.pose)
            passes = self._passes(frame, oldest.pose) or (near and self._passes(frame, oldest.pose, hidden=near))
            proven_s = frame.time_s if passes else oldest.proven_s
            probed = replace(oldest, probed_s=frame.time_s, proven_s=proven_s)
            self._followed = [probed if f is oldest else f for f in self._followed]

    def _passes(self, frame: Frame, pose: Landmarks, *, hidden: Sequence[Landmarks] = ()) -> bool:
        """Whether looking a little differently shows the same pose."""
        options, region = self._options, pose.next_region
        needed = 2 if abs(region.angle_rad) > options.lying_rad else 1
        for scale, angle in _PROBES:
            probe = self._landmarks.find(frame.rgb, region.scaled(scale).turned(angle), hidden=hidden)
            needed -= probe.flag >= options.probe_flag and distance(probe, pose) <= options.probe_agreement
            if needed == 0:
                return True
        return False

    def _candidates(self, frame: Frame, search: Search) -> list[Candidate]:
        """What the person detector finds in the views that are due, the best first."""
        views = [x.region.view(_LOST_VIEW) for x in self._lost[-self._options.lost_views_per_frame :]]
        if len(self._followed) < self._options.max_people:
            views += search.due(frame.time_s, [f.pose.next_region for f in self._followed])
        found = [c for view in views for c in self._person_detector.find(frame.rgb, view) if _belongs(c.region, view)]
        return sorted(found, key=lambda c: -c.score)

    def _add_newcomers(self, frame: Frame, candidates: Sequence[Candidate]) -> None:
        """Track candidates who aren't tracked yet; those who are tracked are people beyond doubt."""
        budget = self._options.candidates_per_frame * (1 if self._followed else 4)
        tried: list[Region] = []
        for candidate in candidates:
            region = candidate.region
            if any(region.is_like(f.pose.next_region) for f in self._followed):
                self._confirm_known(candidate, frame.time_s)
            elif len(tried) < budget and not any(region.is_like(r, distance=0.1) for r in tried):
                tried.append(region)
                self._try_candidate(frame, region)

    def _confirm_known(self, candidate: Candidate, time_s: float) -> None:
        if candidate.score >= self._options.certain_score:
            self._followed = [
                replace(f, proven_s=time_s, probed_s=time_s) if candidate.region.is_like(f.pose.next_region) else f
                for f in self._followed
            ]

    def _try_candidate(self, frame: Frame, region: Region) -> None:
        """Track a candidate: at once if somebody was lost there, else if a probe agrees."""
        if len(self._followed) >= self._options.max_people:
            return
        pose, hidden = self._refine_candidate(frame, region)
        if pose is None:
            return
        returns = [x for x in self._lost if x.region.is_like(pose.next_region, distance=0.4, ratio=2)]
        if returns:
            proven_s = max(x.proven_s for x in returns)
            self._lost = [x for x in self._lost if x not in returns]
            self._followed.append(Followed(next(self._numbers), pose, proven_s, proven_s))
        elif self._appears(pose) and self._passes(frame, pose, hidden=hidden):
            self._followed.append(Followed(next(self._numbers), pose, frame.time_s, frame.time_s))

    def _appears(self, pose: Landmarks) -> bool:
        """Whether a newcomer is beyond doubt, and no ghost of somebody who is followed."""
        ghost = any(is_on(pose, f.pose) or same_place(pose, f.pose) for f in self._followed)
        return pose.flag >= self._options.appear_flag and not ghost

    def _refine_candidate(self, frame: Frame, region: Region) -> tuple[Landmarks | None, list[Landmarks]]:
        """The pose in a candidate's region, refined in the region it points to; and who was painted over for it."""
        hidden, apart = list[Landmarks](), self._options.same_pose
        first = self._landmarks.find(frame.rgb, region)
        if first.flag < self._options.keep_flag:
            return None, hidden
        if not self._is_new(first, frame, apart=apart):
            hidden = self._near(region)
            first = self._landmarks.find(frame.rgb, region, hidden=hidden)
        second = self._landmarks.find(frame.rgb, first.next_region, hidden=hidden)
        better = second if second.flag >= self._options.appear_flag else first
        both_new = all(self._is_new(pose, frame, apart=apart) for pose in (better, second))
        return (better if both_new and better.flag >= self._options.keep_flag else None), hidden


def _steadied(pose: Landmarks, before: Region) -> Landmarks:
    """A pose whose next region follows smoothly: a crop that jumps makes landmarks jump."""
    return replace(pose, next_region=pose.next_region.eased(before))


def _belongs(region: Region, view: View) -> bool:
    """Whether a candidate's hips are in the view and the view shows most of it: else another view sees it better."""
    x, y = region.x_px - view.left_px, region.y_px - view.top_px
    return 0 <= x <= view.size_px and 0 <= y <= view.size_px and region.size_px <= 2 * view.size_px
