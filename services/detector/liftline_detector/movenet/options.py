"""Every threshold of the MoveNet session in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from liftline_detector.blazepose.options import BlazePoseOptions

SCORE_THRESHOLD = 0.4
"""What a person's score has to reach."""


def _blazepose() -> BlazePoseOptions:
    return BlazePoseOptions(small_view_every_s=1 / 10, probe_every_s=1.2)


def _search() -> BlazePoseOptions:
    return BlazePoseOptions(full_view_every_s=1.0, small_view_every_s=1.0, smallest_tile_px=300)


@dataclass(frozen=True)
class MoveNetOptions:
    """How people are read, found and believed. Strengths are mean scores of a reading; times are video time.

    Somebody who covers more than `overlap` of another's box is painted over while that one is read.

    A candidate of the second finder is somebody if two readings, the second in the square around the first, agree
    within `agreement` of its side, at `appear_strength` or more; none is given up before `readings_of_candidate` unless
    the strength is below `doubtful_strength`. Nobody smaller than `smallest_px` is found that way. Somebody whom
    BlazePose has lost, or never found, stays as long as the strength is `keep_strength`. Two readings closer than
    `same_reading`, or with `shared_keypoints` closer than `shared_within`, are of one person, and so are boxes that
    overlap by more than `same_box`. An uncertain one whose box lies in that of a certain one by `inside` is part of it.

    Somebody is reported whose score, the running mean over `evidence_s` of what speaks for a person, reaches
    `score_threshold`; where Thunder alone sees them, from `confirm_frames` frames on. Below `certain_strength`, Thunder
    reads once more with more room, and BlazePose has to see the same pose, within `agreeing` of the square's side.
    """

    blazepose: BlazePoseOptions = field(default_factory=_blazepose)
    search: BlazePoseOptions = field(default_factory=_search)
    overlap: float = 0.05
    appear_strength: float = 0.37
    keep_strength: float = 0.25
    doubtful_strength: float = 0.25
    agreement: float = 0.03
    same_reading: float = 0.08
    shared_within: float = 0.03
    shared_keypoints: int = 7
    same_box: float = 0.55
    inside: float = 0.8
    smallest_px: float = 40
    confirm_frames: int = 3
    evidence_s: float = 0.5
    agreeing: float = 0.1
    score_threshold: float = SCORE_THRESHOLD
    certain_strength: float = 0.5
    readings_of_candidate: int = 3
    readings_per_frame: int = 4
    readings_at_first: int = 64
