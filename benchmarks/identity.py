"""Who is who, against people marked by eye: `python -m benchmarks.identity`.

Liftline's tracks and, where roboflow's `trackers` is installed too, those of each of its trackers that needs no
pictures, on the same detections. These stay in `benchmarks/results/detections` for a later run with `--keep`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from rich.console import Console

from benchmarks.common import print_table, save_results
from benchmarks.ground_truth.identity_scoring import Score, Track, load_marks, score
from benchmarks.measuring.kept_detections import found_in, load_detector
from benchmarks.measuring.other_trackers import other_trackers
from liftline.detections import Detections
from liftline.errors import LiftlineError
from liftline.models.devices import AUTO
from liftline.plan import Plan
from liftline.ports import Detector
from liftline.progress import FrameCounter, StopFlag
from liftline_detector.registry import names
from liftline_lifter.stage import TrackSettings, track_people

OURS = "Liftline"


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__.splitlines()[0])
    parser.add_argument("--detector", choices=names(), default=AUTO)
    parser.add_argument("--keep", action="store_true", help="reuse detections of an earlier run")
    options = parser.parse_args()
    console = Console(stderr=True)
    try:
        detector = load_detector(options.detector)
        scores = {video: measure(video, detector, keep=options.keep) for video in load_marks()}
    except LiftlineError as error:
        console.print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(scores)
    return 0


def measure(video: str, detector: Detector, *, keep: bool) -> dict[str, Score]:
    """The score of every tracker on one video."""
    found = found_in(video, detector, keep=keep)
    people = list(load_marks()[video].values())
    trackers = {OURS: _liftline, **other_trackers()}
    return {name: score(track(found.detections, found.plan), people) for name, track in trackers.items()}


def _liftline(detections: Detections, plan: Plan) -> list[Track]:
    """Only where people were seen: gaps are filled in, which the others don't do."""
    tracks = track_people(
        detections, plan, video=plan.info.name, settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).tracks
    parts = [slice(*tracks.row_offsets[n : n + 2]) for n in range(len(tracks))]
    seen = [tracks.observed[rows] for rows in parts]
    return [
        Track.of(tracks.frame_index[rows][here], tracks.keypoints_px[rows][here])
        for rows, here in zip(parts, seen, strict=True)
    ]


def report(scores: dict[str, dict[str, Score]]) -> None:
    """Print one line per video and tracker, then each tracker's sums, and save the figures."""
    trackers = list(next(iter(scores.values())))
    lines = [_line(video, name, by_name[name]) for video, by_name in scores.items() for name in trackers]
    print_table(
        "Identity", lines + [_line("all", name, total([s[name] for s in scores.values()])) for name in trackers]
    )
    figures = {
        video: {name: {**asdict(one), "coverage": one.coverage} for name, one in by_name.items()}
        for video, by_name in scores.items()
    }
    save_results("identity", figures)


def total(scores: list[Score]) -> Score:
    """The sums over videos."""
    return Score(*(sum(values) for values in zip(*(asdict(one).values() for one in scores), strict=True)))


def _line(video: str, name: str, result: Score) -> dict[str, str]:
    return {
        "video": video,
        "tracker": name,
        "people": str(result.people),
        "ids": str(result.ids),
        "switches": str(result.switches),
        "fragmentations": str(result.fragmentations),
        "coverage": f"{result.coverage:.1%}",
        "astray": str(result.astray),
    }


if __name__ == "__main__":
    sys.exit(main())
