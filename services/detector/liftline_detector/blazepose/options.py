"""Every threshold of the BlazePose session in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlazePoseOptions:
    """How people are found, kept and told apart. Flags and scores are the models' own, 0..1; times are video time.

    A person appears when the landmark model's flag reaches `appear_flag`, and stays while it is above `keep_flag`
    (hysteresis, so that somebody half hidden doesn't flicker). Only those whose flag is `score_threshold` are reported.

    The flag alone is no proof: a camera mount or a tree can score 0.99 in one region. A real person scores as well, and
    in the same pose, when the region is a little larger or turned. Such a probe has to reach `probe_flag` and agree
    within `probe_agreement` when a person appears, and every `probe_every_s` after that; whoever fails for
    `forget_after_s` is dropped. A lying pose, turned by more than `lying_rad`, is what look-alikes mostly are, so it
    has to pass two probes. A candidate of the person detector with `certain_score` counts as a passed probe.

    A newcomer closer than `same_pose` to somebody is that person; two who were apart become one only when they are
    closer than `merged_pose`, as people do walk past each other; below `crowded_pose` the second one is looked for with
    the first one painted over. All distances are shares of the region's side.

    Where people are near each other, the model may give one the other's arm, and be as sure of it. A mirrored look
    differs there: trust falls beyond `confirmed_pose`, within which 99 of 100 keypoints of somebody in full view agree
    (football_juggle.mp4; knees and ankles of a walker seen from the side do in less than half of all cases). Not of
    people whose region is smaller than `confirmed_from_px`, twice the model's input: looks at them differ for want of
    detail (with them, who is who in sprinters_far.mp4 changed 15 times instead of 7).
    """

    score_threshold: float = 0.0
    max_people: int = 16
    appear_flag: float = 0.8
    keep_flag: float = 0.5
    probe_flag: float = 0.5
    probe_agreement: float = 0.055
    lying_rad: float = 1.0
    probe_every_s: float = 0.6
    forget_after_s: float = 2.0
    certain_score: float = 0.85
    same_pose: float = 0.07
    merged_pose: float = 0.045
    crowded_pose: float = 0.12
    confirmed_pose: float = 0.025
    confirmed_from_px: float = 512
    full_view_every_s: float = 0.4
    small_view_every_s: float = 1 / 20
    search_lost_s: float = 1.0
    lost_views_per_frame: int = 2
    candidates_per_frame: int = 6
    smallest_tile_px: int = 224
