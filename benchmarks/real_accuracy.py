"""Accuracy on real video, end to end, against a multi-camera reference: `python -m benchmarks.real_accuracy`.

Twelve limb joints, per-frame similarity alignment (P-MPJPE) and per-frame scale (N-MPJPE). Frames in which a person
wasn't found lower the coverage shown beside; frames in which they were found with sides swapped count as the errors
they are. With `--mediapipe-python` the same people are scored as MediaPipe's world landmarks give them, both systems
on the frames in which both found them.

What is compared with what (`benchmarks.ground_truth.truth`): a given reference where it fits somebody, brought into
step with the pictures; else our own triangulation of the four views' 2D tracks. The table says which.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from rich.console import Console

from benchmarks.common import print_table, save_results
from benchmarks.ground_truth import mediapipe_baseline
from benchmarks.ground_truth.matching import Errors, Match, Reference, errors, limb_angle_errors, match_people
from benchmarks.ground_truth.reference import CalibratedCamera
from benchmarks.ground_truth.truth import Truth, load_truths
from benchmarks.ground_truth.two_people import REFERENCES, VIEWS, cameras_by_view, poses_of, video_of
from liftline.errors import LiftlineError
from liftline.kinematics.angles import AngleError, mean_of_eight
from liftline.poses import Poses
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import ProcessSettings
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint


@dataclass(frozen=True)
class Score:
    """One person in one view.

    coverage: frames with an observed pose, of those with a reference; in_view: frames fully in the picture; errors (of
    joint angles, too) over all frames with a pose. With a baseline: its coverage, and both systems' errors on the
    frames that both have.
    """

    view: str
    person: str
    coverage: float
    ids: tuple[int, ...]
    in_view: float
    errors: Errors
    angles: dict[str, AngleError]
    baseline_coverage: float | None = None
    same_frames: Errors | None = None
    baseline: Errors | None = None


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, help="lifter weights (default: the bundled ones)")
    parser.add_argument("--keep", action="store_true", help="reuse detections of an earlier run: right for new weights")
    parser.add_argument("--mediapipe-python", type=Path, help="a Python that has mediapipe==0.10.21: the baseline")
    options = parser.parse_args()
    console = Console(stderr=True)
    try:
        settings = ProcessSettings(checkpoint=options.checkpoint, overwrite=not options.keep)
        checkpoint = load_checkpoint(options.checkpoint or bundled_checkpoint_path())
        results = {view: poses_of(view, ConsoleReporter(console), settings) for view in VIEWS}
        cameras = cameras_by_view()
        truths = load_truths(REFERENCES, results, cameras)
        scores = measure(results, cameras, truths, mediapipe=options.mediapipe_python)
    except LiftlineError as error:
        console.print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(scores, truths, checkpoint)
    return 0


def measure(
    results: Mapping[str, Poses],
    cameras: Mapping[str, CalibratedCamera],
    truths: Sequence[Truth],
    *,
    mediapipe: Path | None,
) -> list[Score]:
    """Scores of everyone in every view; `mediapipe`: the Python to run the baseline with."""
    scores = []
    for view, poses in results.items():
        references = [truth.seen_by(view, cameras[view]) for truth in truths]
        own = _matches(poses, references)
        alone = [
            Score(
                view,
                truth.name,
                _coverage(match, reference),
                match.ids,
                reference.in_view(),
                errors(poses, match, reference),
                limb_angle_errors(poses, match, reference),
            )
            for truth, reference, match in zip(truths, references, own, strict=True)
        ]
        scores += _beside(alone, poses, own, references, mediapipe) if mediapipe else alone
    return scores


def _beside(
    alone: Sequence[Score], poses: Poses, own: Sequence[Match], references: Sequence[Reference], python: Path
) -> list[Score]:
    """The scores with MediaPipe's beside them."""
    video, size = video_of(alone[0].view), (poses.width_px, poses.height_px)
    found = mediapipe_baseline.look(python, video, np.stack([reference.limbs_px for reference in references]))
    theirs = mediapipe_baseline.as_poses(found, video, width_px=size[0], height_px=size[1])
    matches = _matches(theirs, references)
    return [
        replace(
            score,
            baseline_coverage=_coverage(other, reference),
            same_frames=errors(poses, match.within(other.frames), reference),
            baseline=errors(theirs, other.within(match.frames), reference),
        )
        for score, match, other, reference in zip(alone, own, matches, references, strict=True)
    ]


def _matches(poses: Poses, references: Sequence[Reference]) -> list[Match]:
    return match_people(poses, references, frames=len(references[0].known))


def _coverage(match: Match, reference: Reference) -> float:
    return len(match.frames) / int(reference.known.sum())


def report(scores: Sequence[Score], truths: Sequence[Truth], checkpoint: LifterCheckpoint) -> None:
    """Print the tables and save the figures."""
    rows = [
        {
            "view, person": f"{score.view} {score.person}",
            "coverage": f"{score.coverage:.0%}",
            "in view": f"{score.in_view:.0%}",
            "ids": ",".join(map(str, score.ids)) or "-",
            **_error_cells(score.errors),
        }
        for score in scores
    ]
    mean = _mean([score.errors for score in scores if score.coverage])
    most_ids = max(len(score.ids) for score in scores)
    coverage = fmean(score.coverage for score in scores)
    rows.append({"view, person": "mean", "coverage": f"{coverage:.0%}", "in view": "", "ids": f"max {most_ids}"})
    rows[-1] |= _error_cells(mean)
    print_table("Two people, four views, 12 limb joints", rows)
    angles = _mean_angles([score.angles for score in scores if score.coverage])
    print_table("Joint angles, degrees, means over people and views", _angle_rows(angles))
    for truth in truths:
        print(f"{truth.name}: {truth.origin}")
    figures = {
        "checkpoint": checkpoint.sha256,
        "mean": {"coverage": coverage, "most_ids": most_ids, **asdict(mean)},
        "angles": {name: asdict(one) for name, one in angles.items()},
        "baseline": _compare(scores),
        "people": [asdict(score) for score in scores],
    }
    print(f"saved to {save_results('real_accuracy', figures)}")


def _compare(scores: Sequence[Score]) -> dict[str, float] | None:
    """Print both systems side by side; their means, None without a baseline."""
    both = [(score, score.same_frames, score.baseline) for score in scores if score.same_frames and score.baseline]
    both = [(score, ours, theirs) for score, ours, theirs in both if np.isfinite(theirs.p_mpjpe_mm)]
    if not both:
        return None
    rows = [
        {"view, person": f"{score.view} {score.person}", "coverage": f"{score.baseline_coverage or 0:.0%}"}
        | _comparison_cells(ours, theirs)
        for score, ours, theirs in both
    ]
    ours, theirs = _mean([one for _, one, _ in both]), _mean([other for _, _, other in both])
    rows.append({"view, person": "mean", "coverage": ""} | _comparison_cells(ours, theirs))
    print_table("Beside MediaPipe's world landmarks, on the frames that both have (coverage: MediaPipe's)", rows)
    return {
        "p_mpjpe_mm": ours.p_mpjpe_mm,
        "mediapipe_p_mpjpe_mm": theirs.p_mpjpe_mm,
        "p_mpjpe_less": 1 - ours.p_mpjpe_mm / theirs.p_mpjpe_mm,
        "n_mpjpe_less": 1 - ours.n_mpjpe_mm / theirs.n_mpjpe_mm,
    }


def _comparison_cells(ours: Errors, theirs: Errors) -> dict[str, str]:
    return {
        "P-MPJPE mm": f"{ours.p_mpjpe_mm:.1f}",
        "MediaPipe": f"{theirs.p_mpjpe_mm:.1f}",
        "less": f"{1 - ours.p_mpjpe_mm / theirs.p_mpjpe_mm:.0%}",
        "N-MPJPE mm": f"{ours.n_mpjpe_mm:.1f}",
        "MediaPipe ": f"{theirs.n_mpjpe_mm:.1f}",
        "less ": f"{1 - ours.n_mpjpe_mm / theirs.n_mpjpe_mm:.0%}",
    }


def _mean(off: Sequence[Errors]) -> Errors:
    return Errors(*(fmean(values) for values in zip(*(asdict(one).values() for one in off), strict=True)))


def _mean_angles(several: Sequence[Mapping[str, AngleError]]) -> dict[str, AngleError]:
    """Means of each angle's errors (of the bias, too: with its sign), and of all eight."""
    means = {
        name: AngleError(*np.nanmean([astuple(one[name]) for one in several], axis=0).tolist()) for name in several[0]
    }
    return means | {"mean of eight": mean_of_eight(means)}


def _angle_rows(angles: Mapping[str, AngleError]) -> list[dict[str, str]]:
    return [
        {
            "angle": name,
            "MAE": f"{one.mae_deg:.1f}",
            "RMSE": f"{one.rmse_deg:.1f}",
            "bias": f"{one.bias_deg:+.1f}",
            "without offset": f"{one.offset_free_deg:.1f}",
            "r": f"{one.correlation:.2f}",
        }
        for name, one in angles.items()
    ]


def _error_cells(off: Errors) -> dict[str, str]:
    return {
        "P-MPJPE mm": f"{off.p_mpjpe_mm:.1f}",
        "N-MPJPE mm": f"{off.n_mpjpe_mm:.1f}",
        "2D px": f"{off.keypoints_px:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
