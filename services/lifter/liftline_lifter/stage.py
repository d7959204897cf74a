"""The lifter's two stages: track (who is who over the whole video) and lift (2D to 3D)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from liftline.detections import Detections
from liftline.errors import InvalidArtifactError
from liftline.plan import Plan
from liftline.ports import Progress, StopToken
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.tracks import Tracks
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.focal_length import focal_length
from liftline_lifter.lifting.lift import LiftSettings, lift
from liftline_lifter.scene.estimation import fit_scene
from liftline_lifter.scene.person_height import heights_known, with_heights
from liftline_lifter.tracking.identities import find_identities, to_tracks
from liftline_lifter.tracking.settings import TrackSettings

LOW_COVERAGE = 0.5
"""With somebody in fewer frames than this share, the user is told."""

__all__ = ["LiftResult", "LiftSettings", "TrackResult", "TrackSettings", "lift_tracks", "track_people"]


@dataclass(frozen=True)
class TrackResult:
    """What the track stage makes.

    Attributes:
        tracks: of everyone who is kept.
        left_out: how many people the bound on people at a time left out.
        warnings: sentences for the user.
    """

    tracks: Tracks
    left_out: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LiftResult:
    """What the lift stage makes: 3D poses, and the scene they are in."""

    poses: Poses
    scene: Scene


def track_people(
    detections: Detections, plan: Plan, *, video: str, settings: TrackSettings, stop: StopToken, progress: Progress
) -> TrackResult:
    """Track everyone through the video.

    Args:
        detections: of all segments, concatenated.
        plan: of the same video.
        video: its file name.
        settings: thresholds and times.
        stop: asked at least once per frame.
        progress: counts frames.

    Raises:
        InvalidArtifactError: the detections are not those of the whole planned video.
        LimitExceededError: more tracks than the settings allow.
        Cancelled: told to stop.
    """
    if (detections.frame_start, detections.frame_stop) != (0, plan.frame_count):
        raise InvalidArtifactError(
            f"{video}: the detections cover frames {detections.frame_start} to {detections.frame_stop} of a video of "
            f"{plan.frame_count} frames; run the detect step again."
        )
    times_s = plan.frame_times_s
    width_px, height_px = plan.info.width_px, plan.info.height_px
    found = find_identities(detections, times_s, settings=settings, stop=stop, progress=progress, width_px=width_px)
    tracks = to_tracks(
        found.people, detections, times_s, video=video, width_px=width_px, height_px=height_px, stop=stop
    )  # fmt: skip
    return TrackResult(tracks, found.left_out, _warnings(tracks, found.left_out, settings))


def _warnings(tracks: Tracks, left_out: int, settings: TrackSettings) -> tuple[str, ...]:
    if not len(tracks):
        return (f"{tracks.video}: nobody was found in any frame; the output shows the video alone.",)
    return (*_low_coverage(tracks), *_left_out(tracks, left_out, settings))


def _low_coverage(tracks: Tracks) -> tuple[str, ...]:
    frames = len(tracks.frame_times_s)
    found = len(np.unique(tracks.frame_index[tracks.observed]))
    if found >= LOW_COVERAGE * frames:
        return ()
    return (
        f"{tracks.video}: somebody was found in {found} of {frames} frames only; if people are missing, try a lower "
        "--score-threshold.",
    )


def _left_out(tracks: Tracks, left_out: int, settings: TrackSettings) -> tuple[str, ...]:
    if left_out:
        return (f"{tracks.video}: {left_out} more people left out by --max-people {settings.max_people}.",)
    return ()


def lift_tracks(
    tracks: Tracks, checkpoint: LifterCheckpoint, *, settings: LiftSettings, stop: StopToken, progress: Progress
) -> LiftResult:
    """Lift everyone to 3D, at the heights that are known, and estimate the scene.

    `progress` counts rows of `tracks`. Raises UsageError where a height is given for somebody who isn't there.
    """
    heights = settings.person_height_m, settings.person_heights_m
    focal = focal_length(tracks, checkpoint, focal_px=settings.focal_px, fov_deg=settings.fov_deg)
    poses = lift(tracks, checkpoint, focal=focal, settings=settings, stop=stop, progress=progress)
    poses = with_heights(poses, *heights)
    poses, scene = fit_scene(
        poses,
        common_floor=settings.common_floor,
        sizes_known=heights_known(poses, *heights),
        focal_source=focal.source,
    )
    return LiftResult(poses, scene)
