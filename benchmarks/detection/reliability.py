"""What a keypoint's score is worth: `python -m benchmarks.detection.reliability [--detector NAME]`.

A reliability table: keypoints by their score, in fifths, and the share of each fifth that is right, which is within
`RIGHT` of the person's size (the longer side of the box around the keypoints) of where it should be. Where it should
be is known of

- `two_people`, as the last `benchmarks.real_accuracy` tracked them: where all four views together put limb keypoints;
- `shared/data/people`: labelled keypoints of 26 people in still pictures, of those whom the detector finds.

A detector whose scores mean the same as another's has the same shares.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.common import SHARED_DATA, need, print_table, save_results
from benchmarks.detection.still_people import BODY, Labelled, matched, seen_in
from benchmarks.ground_truth.matching import LIMBS_COCO
from benchmarks.ground_truth.multiview import people, rate_hz_of, views_of
from benchmarks.ground_truth.two_people import cameras_by_view, last_poses
from benchmarks.measuring.kept_detections import load_detector
from liftline.errors import LiftlineError
from liftline.models.devices import AUTO
from liftline.ports import Detector
from liftline_detector.registry import names

RIGHT = 0.06
EDGES = np.linspace(0, 1, 6)


@dataclass(frozen=True)
class Judged:
    """Keypoints: scores (N,), and their distances (N,) from where they should be, in parts of the person's size."""

    scores: NDArray[np.floating]
    off: NDArray[np.floating]

    @classmethod
    def joined(cls, parts: list[Judged]) -> Judged:
        """All of them."""
        return cls(np.concatenate([one.scores for one in parts]), np.concatenate([one.off for one in parts]))


@dataclass(frozen=True)
class Fifth:
    """Keypoints whose scores lie in a fifth of the scale: how many, their mean score, and the share that is right."""

    count: int
    mean_score: float
    right: float


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection.reliability", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--detector", choices=names(), default=AUTO, help="for the still pictures")
    options = parser.parse_args()
    try:
        detector = load_detector(options.detector)
        tables = {"two_people": reliability(in_videos()), "people": reliability(in_pictures(detector))}
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(detector.model.name, tables)
    return 0


def reliability(judged: Judged) -> list[Fifth]:
    """One entry per fifth of the scale; NaN where it has no keypoints. A score of 1 is in the last."""
    place = np.clip(np.digitize(judged.scores, EDGES) - 1, 0, len(EDGES) - 2)
    fifths = []
    for number in range(len(EDGES) - 1):
        scores, off = judged.scores[place == number], judged.off[place == number]
        known = len(scores) > 0
        mean, right = (float(scores.mean()), float((off <= RIGHT).mean())) if known else (float("nan"), float("nan"))
        fifths.append(Fifth(len(scores), mean, right))
    return fifths


def in_videos() -> Judged:
    """Limb keypoints of the two_people recordings."""
    results = last_poses()
    views = views_of(results, cameras_by_view())
    judged = []
    for person in people(views, rate_hz=rate_hz_of(results)):
        off = np.linalg.norm(person.offsets_px(), axis=-1) / person.sizes_px[:, None, None]
        for view, track, apart in zip(views, person.track_ids, off, strict=True):
            scores = view.scores[view.track_ids.index(track)][:, LIMBS_COCO]
            known = np.isfinite(apart[:, LIMBS_COCO])
            judged.append(Judged(scores[known], apart[:, LIMBS_COCO][known]))
    return Judged.joined(judged)


def in_pictures(detector: Detector) -> Judged:
    """Labelled keypoints of the people in still pictures whom the detector finds."""
    return Judged.joined(list(_found_in_pictures(need(SHARED_DATA / "people"), detector)))


def _found_in_pictures(folder: Path, detector: Detector) -> Iterator[Judged]:
    for entry in json.loads((folder / "people.json").read_text("utf-8")):
        labelled = [Labelled.of(person) for person in entry["people"]]
        seen = seen_in(folder / entry["image"], detector)
        for number, detection in matched(labelled, seen).items():
            person, body = labelled[number], seen.keypoints_px[detection, :BODY]
            size = float(np.nanmax(np.nanmax(body, axis=0) - np.nanmin(body, axis=0)))
            off = np.linalg.norm(body - person.keypoints_px, axis=1) / size
            known = person.labelled & np.isfinite(off)
            yield Judged(seen.keypoint_scores[detection, :BODY][known], off[known])


def report(detector: str, tables: dict[str, list[Fifth]]) -> None:
    """Print one line per source, a column per fifth; save the figures."""
    rows = [{"keypoints of": source} | dict(map(_cell, EDGES[1:], fifths)) for source, fifths in tables.items()]
    print_table(f"Share of keypoints within {RIGHT} of the person's size, by score (how many), {detector}", rows)
    figures = {source: [asdict(one) for one in fifths] for source, fifths in tables.items()}
    print(f"saved to {save_results(f'reliability_{detector}', figures)}")


def _cell(upper: float, fifth: Fifth) -> tuple[str, str]:
    return f"to {upper:.1f}", f"{fifth.right:.2f} ({fifth.count})" if fifth.count else "-"


if __name__ == "__main__":
    sys.exit(main())
