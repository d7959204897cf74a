"""Every threshold of the BlazePose session in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlazePoseOptions:
    """How people are found, kept and told apart. Flags and scores are the models' own, 0..1; times are video time.

    A person appears when the landmark model's flag reaches `appear_flag`, and stays while it is above `keep_flag`
    (hysteresis, so that somebody half hidden doesn't flicker). Unless it is sure at once, a newcomer is reported only
    after `probation_frames`. The person detector has to confirm everyone once per `confirm_after_s`, or the flag has
    to stay above `trusted_flag`: neither is so for a tree for long.
    """

    max_people: int = 16
    appear_flag: float = 0.8
    keep_flag: float = 0.5
    trusted_flag: float = 0.9
    sure_score: float = 0.75
    probation_frames: int = 2
    confirm_after_s: float = 0.7
    forget_unconfirmed_s: float = 2.5
    same_pose: float = 0.07
    full_view_every_s: float = 0.4
    tile_every_s: float = 1 / 16
    search_lost_s: float = 1.0
    lost_views_per_frame: int = 2
    candidates_per_frame: int = 6
    smallest_tile_px: int = 224
