"""Accuracy on real video, end to end, against a multi-camera reference: `python -m benchmarks.real_accuracy`.

Twelve limb joints, per-frame similarity alignment (P-MPJPE) and per-frame scale (N-MPJPE). Frames in which a person
wasn't found lower the coverage shown beside; frames in which they were found with sides swapped count as the errors
they are. The reference itself is good to a few centimetres.

Of the two reference files, person2 is the dancer. person1 (half-sized bones, cross-legged at hip height) fits nobody in
any view, so it can't be scored: such a reference is reported and left out of the means. The standing woman therefore
has no 3D reference; her coverage and ids are measured against marks made by eye.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from rich.console import Console

from benchmarks.common import RESULTS, SHARED_DATA, need, print_table, save_results
from benchmarks.matching import Annotation, Errors, Reference, errors, match_people
from benchmarks.reference import load_cameras, load_limbs
from liftline.errors import LiftlineError
from liftline.poses import Poses
from liftline.running import StopFlag
from liftline_cli.process import LocalRun, ProcessSettings
from liftline_cli.reporting import ConsoleReporter

VIEWS = ("cam01", "cam02", "cam03", "cam04")
REFERENCES = ("person1", "person2")
WOMAN = "woman (marks)"
WOMAN_MARKS = {
    "cam01": Annotation(((0, 790, 1145), (33, 803, 1150), (66, 742, 1145), (99, 803, 1140)), 910),
    "cam02": Annotation(((0, 177, 944), (33, 202, 945), (66, 158, 945), (99, 183, 940)), 800),
    "cam03": Annotation(((0, 258, 697), (33, 255, 700), (66, 280, 700), (99, 252, 697)), 530),
    "cam04": Annotation(((0, 767, 584), (33, 745, 585), (66, 779, 580), (99, 745, 585)), 520),
}


@dataclass(frozen=True)
class Score:
    """One person in one view. coverage: frames with an observed pose, of all; in_view: frames fully in the picture."""

    view: str
    person: str
    coverage: float
    ids: tuple[int, ...]
    in_view: float | None = None
    errors: Errors | None = None


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, help="lifter weights (default: the bundled ones)")
    parser.add_argument("--keep", action="store_true", help="reuse detections of an earlier run: right for new weights")
    parser.add_argument("--views", nargs="+", choices=VIEWS, default=list(VIEWS))
    options = parser.parse_args()
    console = Console(stderr=True)
    try:
        settings = ProcessSettings(checkpoint=options.checkpoint, overwrite=not options.keep)
        scores = measure(options.views, settings, ConsoleReporter(console))
    except LiftlineError as error:
        console.print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(scores)
    return 0


def measure(views: list[str], settings: ProcessSettings, reporter: ConsoleReporter) -> list[Score]:
    """Scores of everyone in every view. Detections stay in the results folder for a later run."""
    folder = SHARED_DATA / "reference"
    cameras = load_cameras(need(folder / "two_people_cameras.toml"))
    limbs = [load_limbs(need(folder / f"two_people_{person}.trc")) for person in REFERENCES]
    scores = []
    for view in views:
        poses = lifted(need(SHARED_DATA / "videos" / f"two_people_{view}.mp4"), settings, reporter)
        frames = min(len(poses.frame_times_s), *map(len, limbs))
        references = [Reference.seen_by(cameras[f"{view[:3]}_{view[3:]}"], person) for person in limbs]
        matches = match_people(poses, [*references, WOMAN_MARKS[view]], frames=frames)
        for name, reference, match in zip(REFERENCES, references, matches, strict=False):
            coverage, off = len(match.frames) / frames, errors(poses, match, reference)
            scores.append(Score(view, name, coverage, match.ids, reference.in_view(), off))
        scores.append(Score(view, WOMAN, len(matches[-1].frames) / frames, matches[-1].ids))
    return scores


def lifted(video: Path, settings: ProcessSettings, reporter: ConsoleReporter) -> Poses:
    """Everyone's 3D poses in a video, as `liftline process` makes them, without rendering."""
    run = LocalRun(video, RESULTS / "real_accuracy" / video.stem, settings=settings, reporter=reporter, stop=StopFlag())
    checkpoint = run.load_lifter()
    return run.lift(run.track(run.plan()), checkpoint)[0]


def report(scores: list[Score]) -> None:
    """Print the table and save it."""
    unfit = {name for name in REFERENCES if not any(score.coverage for score in scores if score.person == name)}
    scored = [score for score in scores if score.person not in unfit]
    off = [score.errors for score in scored if score.errors is not None and score.coverage > 0]
    mean = Errors(*(fmean(values) for values in zip(*(asdict(e).values() for e in off), strict=True))) if off else None
    rows = [
        {
            "view, person": f"{score.view} {score.person}",
            "coverage": f"{score.coverage:.0%}",
            "in view": "" if score.in_view is None else f"{score.in_view:.0%}",
            "ids": ",".join(map(str, score.ids)) or "-",
            **_error_cells(score.errors),
        }
        for score in scored
    ]
    coverage = fmean(score.coverage for score in scored)
    most_ids = max(len(score.ids) for score in scored)
    rows.append({"view, person": "mean", "coverage": f"{coverage:.0%}", "in view": "", "ids": f"max {most_ids}"})
    rows[-1] |= _error_cells(mean)
    print_table("Two people, four views, 12 limb joints", rows)
    for name in sorted(unfit):
        print(f"{name}: its reference fits nobody in any view; not scored")
    figures = {
        "mean": {"coverage": coverage, "most_ids": most_ids, **(asdict(mean) if mean else {})},
        "unfit_references": sorted(unfit),
        "people": [asdict(score) for score in scored],
    }
    print(f"saved to {save_results('real_accuracy', figures)}")


def _error_cells(off: Errors | None) -> dict[str, str]:
    if off is None:
        return {"P-MPJPE mm": "", "N-MPJPE mm": "", "2D px": ""}
    return {
        "P-MPJPE mm": f"{off.p_mpjpe_mm:.1f}",
        "N-MPJPE mm": f"{off.n_mpjpe_mm:.1f}",
        "2D px": f"{off.keypoints_px:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
