"""The settings of tracking, in units that don't change with frame rate or image size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackSettings:
    """Thresholds of tracking. Times in seconds; `_bodies` are multiples of a person's size, the root of the box area.

    Attributes:
        coast_s: how long someone unseen is expected to go on as before.
        max_gap_s: the longest absence after which someone gets their old id back.
        confirm_s: someone seen for less is taken for a false detection, unless the shot itself is short.
        min_score: mean detection score below which a track is a false detection.
        min_size_px: mean size below which a person is too small to be lifted.
        duplicate_oks: two detections in one frame that are more alike than this are one person.
        reach_bodies: how far from the expected place someone may be in the next frame.
        reach_bodies_per_s: how much that grows with the time unseen.
        max_people: how many people to keep at a time, the most prominent first; None for everyone.
        max_tracks: a video with more tracks than this is refused.
    """

    coast_s: float = 0.5
    max_gap_s: float = 2.0
    confirm_s: float = 0.2
    min_score: float = 0.3
    min_size_px: float = 12.0
    duplicate_oks: float = 0.6
    reach_bodies: float = 0.5
    reach_bodies_per_s: float = 1.0
    max_people: int | None = None
    max_tracks: int = 2000
