"""Detectors side by side on the shared videos: `python -m benchmarks.detection.detectors blazepose movenet`.

Frames in which somebody is found, flicker, and processor time of the detect stage per frame. Flicker: the second
difference of a keypoint's place from frame to frame, in parts of the person's height (the longer side of the box around
the keypoints), the median over keypoints of the limbs with a score of at least a half, in what the track stage keeps.
True motion is in it too, the same for all detectors. Detections stay in `benchmarks/results/detections` for `--keep`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.common import SHARED_DATA, need, print_table, save_results
from benchmarks.ground_truth.matching import LIMBS_COCO
from benchmarks.measuring.kept_detections import Found, found_in, load_detector
from liftline.errors import LiftlineError
from liftline.progress import FrameCounter, StopFlag
from liftline.tracks import Tracks
from liftline_detector.registry import names
from liftline_lifter.stage import TrackSettings, track_people

TRUSTED = 0.5


@dataclass(frozen=True)
class Figures:
    """One detector on one video: share of frames with somebody, people per frame, flicker, ms of processor a frame."""

    video: str
    detector: str
    with_somebody: float
    people: float
    flicker: float
    cpu_ms: float


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection.detectors", description=__doc__.splitlines()[0]
    )
    parser.add_argument("detectors", nargs="*", choices=names(), default=["blazepose", "movenet"])
    parser.add_argument("--videos", nargs="+", help="file names (default: all shared videos)")
    parser.add_argument("--keep", action="store_true", help="reuse detections of an earlier run")
    options = parser.parse_args()
    try:
        videos = options.videos or sorted(path.name for path in need(SHARED_DATA / "videos").glob("*.mp4"))
        detectors = {name: load_detector(name) for name in options.detectors}
        figures = [
            figures_of(name, found_in(video, detector, keep=options.keep))
            for video in videos
            for name, detector in detectors.items()
        ]
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(figures)
    return 0


def figures_of(detector: str, found: Found) -> Figures:
    """What is measured on one video."""
    plan, detections = found.plan, found.detections
    people = np.bincount(detections.frame_index, minlength=plan.frame_count)
    tracks = track_people(
        detections, plan, video=plan.info.name, settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).tracks
    seen = np.unique(tracks.frame_index[tracks.observed])
    return Figures(
        plan.info.name,
        detector,
        len(seen) / plan.frame_count,
        float(people.mean()),
        flicker(tracks),
        found.cpu_ms_per_frame,
    )


def flicker(tracks: Tracks) -> float:
    """The median over all tracks; NaN without any."""
    parts = [slice(*tracks.row_offsets[n : n + 2]) for n in range(len(tracks))]
    shaken = [_shaking(tracks, rows) for rows in parts]
    every = np.concatenate(shaken) if shaken else np.zeros(0)
    return float(np.median(every)) if len(every) else float("nan")


def _shaking(tracks: Tracks, rows: slice) -> NDArray[np.float64]:
    """Second differences of one track's trusted keypoints, in parts of the person's height."""
    keypoints = tracks.keypoints_px[rows].astype(np.float64)
    trusted = (tracks.keypoint_scores[rows] >= TRUSTED) & tracks.observed[rows][:, np.newaxis]
    height = np.ptp(keypoints[:, : LIMBS_COCO[-1] + 1], axis=1).max(axis=-1)
    shaking = np.linalg.norm(np.diff(keypoints[:, LIMBS_COCO], 2, axis=0), axis=-1) / height[1:-1, np.newaxis]
    trusted = trusted[:, LIMBS_COCO]
    return np.asarray(shaking[trusted[:-2] & trusted[1:-1] & trusted[2:]], np.float64)


def report(figures: Sequence[Figures]) -> None:
    """Print one line per video and detector, and save the figures."""
    first = {one.video: one for one in reversed(figures)}
    print_table("Detectors", [_row(one, first[one.video]) for one in figures])
    print(f"saved to {save_results('detectors', {'figures': [asdict(one) for one in figures]})}")


def _row(one: Figures, first: Figures) -> dict[str, str]:
    return {
        "video": one.video,
        "detector": one.detector,
        "frames with somebody": f"{one.with_somebody:.1%}",
        "people a frame": f"{one.people:.2f}",
        "flicker": f"{one.flicker:.5f}",
        "CPU ms a frame": f"{one.cpu_ms:.1f}",
        "ratio": f"{one.cpu_ms / first.cpu_ms:.2f}",
    }


if __name__ == "__main__":
    sys.exit(main())
