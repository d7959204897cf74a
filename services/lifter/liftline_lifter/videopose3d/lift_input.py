"""What the lift step accepts: our tracks, or anyone's VideoPose3D or Detectron file, told apart by what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline import tracks as tracks_file
from liftline.errors import InvalidInputError, UsageError
from liftline.files import pickles
from liftline.plan import Plan
from liftline.ports import StopToken
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import COCO17
from liftline.tracks import Tracks
from liftline_lifter.tracking import gap_filling
from liftline_lifter.tracking.identities import find_identities, to_tracks
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.videopose3d import dataset, detectron
from liftline_lifter.videopose3d.dataset import CustomSubject, read_custom_dataset
from liftline_lifter.videopose3d.detectron import DetectronFile, read_detectron_file

DETECTOR = "custom dataset"
VIDEOPOSE3D_RATE_HZ = 50.0
_PICTURES_AWAY = 100

_OWN_TIMES = "{path}: has its own frame times, so the frame rate or video given is not used."
_NO_TIMES = (
    "{path}: has no frame times, so its frames are lifted at their native rate, taken for the network's; "
    "give the frame rate or the video for poses at true times."
)


@dataclass(frozen=True)
class LiftInput:
    """Tracks to lift.

    native_rate: nothing told the frame times, so lift every frame as it is (`LiftSettings.native_rate`); warnings are
    sentences for the user.
    """

    tracks: Tracks
    native_rate: bool = False
    warnings: tuple[str, ...] = ()


def load_keypoints(
    path: Path,
    *,
    fps: float | None = None,
    plan: Plan | None = None,
    subject: str | None = None,
    track: TrackSettings | None = None,
    stop: StopToken | None = None,
) -> LiftInput:
    """Read any of the three kinds of file.

    Args:
        path: `tracks_<video>.npz`, which has its own times; or `data_2d_custom_<name>.npz` or Detectron's
            `<video file>.npz`, which have none.
        fps: frame rate of the video, for files without times.
        plan: of the video, for its frame times; instead of `fps`.
        subject: what of a custom dataset to lift: a video, with everyone in it, or one person (`clip.mp4#2`).
        track: settings for tracking the people of a Detectron file.
        stop: asked while they are tracked.

    Raises:
        InvalidInputError: none of these kinds, or broken.
        UsageError: the options don't fit the file.
    """
    names = _entries(path)
    if subject is not None and not names >= dataset.ENTRIES:
        raise UsageError(f"{path}: only a custom dataset has subjects to choose from; leave out '{subject}'.")
    times_s = None if plan is None else plan.frame_times_s
    if names >= dataset.ENTRIES:
        subjects = read_custom_dataset(path)
        for one in subjects:
            _check_places(path, (one.width_px, one.height_px), one.keypoints_px)
        tracks = tracks_from_custom(subjects, fps=fps, frame_times_s=times_s, subject=subject)
    elif names >= detectron.ENTRIES:
        file = read_detectron_file(path)
        _check_places(
            path, (file.width_px, file.height_px), file.detections.boxes_px, file.detections.keypoints_px
        )  # fmt: skip
        tracks = tracks_from_detectron(
            file, fps=fps, frame_times_s=times_s, settings=track or TrackSettings(), stop=stop or StopFlag()
        )  # fmt: skip
    else:
        ignored = fps is not None or plan is not None
        tracks = tracks_file.load(path)
        _check_places(path, (tracks.width_px, tracks.height_px), tracks.boxes_px, tracks.keypoints_px)
        return LiftInput(tracks, warnings=(_OWN_TIMES.format(path=path),) if ignored else ())
    if plan is not None and (tracks.width_px, tracks.height_px) != (plan.info.width_px, plan.info.height_px):
        raise InvalidInputError(
            f"{path}: made from a video of {tracks.width_px}x{tracks.height_px} pixels, {plan.info.name} has "
            f"{plan.info.width_px}x{plan.info.height_px}; give the video it was made from."
        )
    untimed = fps is None and plan is None
    warnings = [_NO_TIMES.format(path=path)] if untimed else []
    if not len(tracks):
        warnings.append(f"{path}: nobody is in any frame, so there are no poses.")
    return LiftInput(tracks, untimed, tuple(warnings))


def _check_places(path: Path, size_px: tuple[int, int], *places_px: NDArray[np.float32]) -> None:
    """Raise InvalidInputError where somebody is further from the picture than any detector guesses."""
    most_px = _PICTURES_AWAY * max(size_px)
    for places in places_px:
        if (np.abs(places) > most_px).any():
            raise InvalidInputError(
                f"{path}: {np.nanmax(np.abs(places)):g} is no place in or near a picture of {size_px[0]}x{size_px[1]} "
                "pixels; its keypoints are broken, or its width and height are of another video. Make it anew."
            )


def _entries(path: Path) -> set[str]:
    try:
        return pickles.npz_names(path)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{error} 'lift' takes tracks_<video>.npz, data_2d_custom_<name>.npz or Detectron's <video file>.npz."
        ) from error


def tracks_from_detectron(
    file: DetectronFile,
    *,
    fps: float | None = None,
    frame_times_s: NDArray[np.float64] | None = None,
    settings: TrackSettings,
    stop: StopToken,
) -> Tracks:
    """Everyone of a Detectron file, tracked through the video; times as in `tracks_from_custom`.

    Raises:
        InvalidInputError: the file doesn't fit the video, or has more tracks than the settings allow.
        UsageError: unusable options.
        Cancelled: told to stop.
    """
    found = file.detections
    times_s = _times_s(found.frame_stop, file.video, fps, frame_times_s)
    people = find_identities(found, times_s, settings=settings, stop=stop, progress=FrameCounter()).people
    return to_tracks(
        people, found, times_s, video=file.video, width_px=file.width_px, height_px=file.height_px, stop=stop
    )  # fmt: skip


def tracks_from_custom(
    subjects: Sequence[CustomSubject],
    *,
    fps: float | None = None,
    frame_times_s: NDArray[np.float64] | None = None,
    subject: str | None = None,
) -> Tracks:
    """One video of a custom dataset, or one person, as tracks.

    Keypoints score 1; missing (NaN) ones are interpolated and score 0. With
    neither `fps` nor `frame_times_s`, frames are given VideoPose3D's own rate, 50 Hz.

    Raises:
        InvalidInputError: the dataset doesn't fit the video.
        UsageError: unusable options.
    """
    chosen = _chosen(subjects, subject)
    name, frames = chosen[0].video, max(s.start_frame + len(s.keypoints_px) for s in chosen)
    times_s = _times_s(frames, name, fps, frame_times_s)
    parts = [_filled(subject, times_s) for subject in chosen]
    return Tracks(
        video=name,
        width_px=chosen[0].width_px,
        height_px=chosen[0].height_px,
        detector=DETECTOR,
        skeleton=chosen[0].skeleton,
        frame_times_s=times_s,
        track_ids=np.arange(1, len(chosen) + 1, dtype=np.int64),
        row_offsets=np.cumsum([0, *(len(part.frame_index) for part in parts)], dtype=np.int64),
        **{field: np.concatenate([getattr(part, field) for part in parts]) for field in vars(parts[0])},
    )


def _chosen(subjects: Sequence[CustomSubject], subject: str | None) -> list[CustomSubject]:
    videos = sorted({each.video for each in subjects})
    if subject is None and len(videos) > 1:
        raise UsageError(f"The dataset holds several videos ({', '.join(videos)}); name the one to lift (--subject).")
    wanted = subject or videos[0]
    chosen = [each for each in subjects if each.video == wanted] or [each for each in subjects if each.name == wanted]
    if not chosen:
        held = ", ".join(sorted(each.name for each in subjects))
        raise UsageError(f"The dataset has no subject '{subject}'; it holds {held}.")
    return chosen


def _times_s(
    frames: int, video: str, fps: float | None, frame_times_s: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    if fps is not None and frame_times_s is not None:
        raise UsageError("Give either the frame rate or the video, not both.")
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise UsageError(f"A frame rate must be positive, not {fps}.")
    if frame_times_s is None:
        return np.arange(frames) / (fps or VIDEOPOSE3D_RATE_HZ)
    if frames > len(frame_times_s):
        raise InvalidInputError(
            f"{video}: the file has {frames} frames, the video {len(frame_times_s)}; give the one it was made from."
        )
    return frame_times_s


def _filled(subject: CustomSubject, times_s: NDArray[np.float64]) -> gap_filling.FilledTrack:
    frames = subject.start_frame + np.arange(len(subject.keypoints_px))
    present: NDArray[np.bool_] = np.asarray(np.isfinite(subject.keypoints_px).all(axis=-1), np.bool_)
    if not present[:, : len(COCO17)].any():
        raise InvalidInputError(f"Subject '{subject.name}' of the dataset has no keypoints at all.")
    scores = present.astype(np.float32)
    own_s = times_s[frames]
    keypoints, _ = gap_filling.fill_keypoints(own_s, own_s, subject.keypoints_px, scores)
    body = keypoints[:, : len(COCO17)]
    boxes = np.concatenate([body.min(axis=1), body.max(axis=1)], axis=1)
    observed: NDArray[np.bool_] = np.asarray(present[:, : len(COCO17)].any(axis=1), np.bool_)
    return gap_filling.FilledTrack(
        frames.astype(np.int64),
        boxes.astype(np.float32),
        observed.astype(np.float32),
        keypoints.astype(np.float32),
        scores,
        observed,
    )
