"""What the lift step accepts: our tracks, or anyone's VideoPose3D dataset, told apart by what is in the file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline import tracks as tracks_file
from liftline.errors import InvalidInputError, UsageError
from liftline.plan import Plan
from liftline.tracks import Tracks
from liftline_lifter import gaps
from liftline_lifter.videopose3d.dataset import CustomSubject, read_custom_dataset

DETECTOR = "custom dataset"
VIDEOPOSE3D_RATE_HZ = 50.0

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
    path: Path, *, fps: float | None = None, plan: Plan | None = None, video: str | None = None
) -> LiftInput:
    """Read either kind of file.

    Args:
        path: `tracks_<video>.npz`, which has its own times, or `data_2d_custom_<name>.npz`, which has none.
        fps: frame rate of a custom dataset's video.
        plan: of a custom dataset's video, for its frame times; instead of `fps`.
        video: which video of a custom dataset of several.

    Raises:
        InvalidInputError: neither kind, or broken.
        UsageError: the options don't fit the file.
    """
    if not is_custom_dataset(path):
        ignored = fps is not None or plan is not None
        return LiftInput(tracks_file.load(path), warnings=(_OWN_TIMES.format(path=path),) if ignored else ())
    times_s = None if plan is None else plan.frame_times_s
    tracks = tracks_from_custom(read_custom_dataset(path), fps=fps, frame_times_s=times_s, video=video)
    if plan is not None and (tracks.width_px, tracks.height_px) != (plan.info.width_px, plan.info.height_px):
        raise InvalidInputError(
            f"{path}: made from a video of {tracks.width_px}x{tracks.height_px} pixels, {plan.info.name} has "
            f"{plan.info.width_px}x{plan.info.height_px}; give the video it was made from."
        )
    untimed = fps is None and plan is None
    return LiftInput(tracks, untimed, (_NO_TIMES.format(path=path),) if untimed else ())


def is_custom_dataset(path: Path) -> bool:
    """Whether a file has a VideoPose3D dataset's entries.

    Raises:
        InvalidInputError: it can't be read as npz at all.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return "positions_2d.npy" in archive.namelist()
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path}: no such file.") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidInputError(
            f"{path}: not an npz file ({error}); 'lift' takes tracks_<video>.npz or data_2d_custom_<name>.npz."
        ) from error


def tracks_from_custom(
    subjects: Sequence[CustomSubject],
    *,
    fps: float | None = None,
    frame_times_s: NDArray[np.float64] | None = None,
    video: str | None = None,
) -> Tracks:
    """One video of a custom dataset as tracks; keypoints score 1, missing (NaN) ones are interpolated and score 0.

    With neither `fps` nor `frame_times_s`, frames are given VideoPose3D's own rate, 50 Hz.

    Raises:
        InvalidInputError: the dataset doesn't fit the video.
        UsageError: unusable options.
    """
    chosen = _of_one_video(subjects, video)
    name, frames = chosen[0].video, max(s.start_frame + len(s.keypoints_px) for s in chosen)
    times_s = _times_s(frames, name, fps, frame_times_s)
    parts = [_filled(subject, times_s) for subject in chosen]
    return Tracks(
        video=name,
        width_px=chosen[0].width_px,
        height_px=chosen[0].height_px,
        detector=DETECTOR,
        frame_times_s=times_s,
        track_ids=np.arange(1, len(chosen) + 1, dtype=np.int64),
        row_offsets=np.cumsum([0, *(len(part.frame_index) for part in parts)], dtype=np.int64),
        **{field: np.concatenate([getattr(part, field) for part in parts]) for field in vars(parts[0])},
    )


def _of_one_video(subjects: Sequence[CustomSubject], video: str | None) -> list[CustomSubject]:
    videos = sorted({subject.video for subject in subjects})
    if video is None and len(videos) > 1:
        raise UsageError(f"The dataset holds several videos ({', '.join(videos)}); name the one to lift.")
    chosen = [subject for subject in subjects if subject.video == (video or videos[0])]
    if not chosen:
        raise UsageError(f"The dataset has no video '{video}'; it holds {', '.join(videos)}.")
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
            f"{video}: the dataset has {frames} frames, the video {len(frame_times_s)}; give the one it was made from."
        )
    return frame_times_s


def _filled(subject: CustomSubject, times_s: NDArray[np.float64]) -> gaps.Filled:
    frames = subject.start_frame + np.arange(len(subject.keypoints_px))
    present: NDArray[np.bool_] = np.asarray(np.isfinite(subject.keypoints_px).all(axis=-1), np.bool_)
    if not present.any():
        raise InvalidInputError(f"Subject '{subject.name}' of the dataset has no keypoints at all.")
    scores = present.astype(np.float32)
    own_s = times_s[frames]
    keypoints, _ = gaps.fill_keypoints(own_s, own_s, subject.keypoints_px, scores)
    boxes = np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1)
    observed: NDArray[np.bool_] = np.asarray(present.any(axis=1), np.bool_)
    return gaps.Filled(
        frames.astype(np.int64),
        boxes.astype(np.float32),
        observed.astype(np.float32),
        keypoints.astype(np.float32),
        scores,
        observed,
    )
