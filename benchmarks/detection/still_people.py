"""People in still pictures with labelled keypoints: `python -m benchmarks.detection.still_people [--detector NAME]`.

The 26 people of `shared/data/people` (COCO val2017, PoseTrack18). A picture is shown as three equal frames at 30 fps,
as detectors follow people; what counts is the third. Object keypoint similarity (OKS) as COCO defines it, over the
labelled keypoints; detections are matched one to one, the most similar pair first. Found: an OKS above `FOUND`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.common import SHARED_DATA, need, print_table, save_results
from benchmarks.measuring.kept_detections import load_detector
from liftline.detections import People
from liftline.errors import InvalidInputError, LiftlineError
from liftline.frames import Frame
from liftline.models.devices import AUTO
from liftline.ports import Detector
from liftline.skeletons import COCO17
from liftline_detector.registry import names

FRAMES, RATE_HZ = 3, 30.0
BODY = len(COCO17)
FOUND, RIGHT = 0.2, 0.5
SIGMAS = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
"""COCO's, of its 17 keypoints."""


@dataclass(frozen=True)
class Labelled:
    """Somebody in a picture: keypoints_px (17,2), which of them are labelled (17,), and the area of the person, px²."""

    keypoints_px: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    area_px2: float

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Labelled:
        """From an entry of `people.json`."""
        rows = np.array(entry["keypoints"], np.float64).reshape(len(COCO17), 3)
        return cls(rows[:, :2], rows[:, 2] > 0, float(entry["area"]))

    def similarity(self, keypoints_px: NDArray[np.floating]) -> float:
        """OKS of detected keypoints (17,2); missing ones count as far away."""
        apart2 = np.square(keypoints_px - self.keypoints_px).sum(axis=1)
        fits = np.nan_to_num(np.exp(-apart2 / (2 * self.area_px2 * np.square(2 * SIGMAS))))
        return float(fits[self.labelled].mean())


@dataclass(frozen=True)
class PictureScore:
    """One picture: the OKS that each labelled person was found with, 0 if not at all; detections that are nobody's."""

    picture: str
    similarities: tuple[float, ...]
    others: int


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection.still_people", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--detector", choices=names(), default=AUTO)
    options = parser.parse_args()
    try:
        detector = load_detector(options.detector)
        scores = measure(need(SHARED_DATA / "people"), detector)
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(detector.model.name, scores)
    return 0


def measure(folder: Path, detector: Detector) -> list[PictureScore]:
    """The scores of all pictures of a folder with a `people.json`."""
    pictures = json.loads((folder / "people.json").read_text("utf-8"))
    return [
        _score(folder / one["image"], [Labelled.of(person) for person in one["people"]], detector) for one in pictures
    ]


def _score(path: Path, people: Sequence[Labelled], detector: Detector) -> PictureScore:
    seen = seen_in(path, detector)
    pairs = matched(people, seen)
    best = [people[n].similarity(seen.keypoints_px[pairs[n], :BODY]) if n in pairs else 0.0 for n in range(len(people))]
    return PictureScore(path.name, tuple(best), len(seen.scores) - len(pairs))


def seen_in(path: Path, detector: Detector) -> People:
    """Everyone whom a detector sees in the last of `FRAMES` equal frames of a picture."""
    picture = cv2.imread(str(need(path)))
    if picture is None:
        raise InvalidInputError(f"{path}: no picture that OpenCV can read.")
    rgb = np.asarray(picture[:, :, ::-1], np.uint8)
    session = detector.start()
    return [session.detect([Frame(index, index / RATE_HZ, rgb)])[0] for index in range(FRAMES)][-1]


def matched(people: Sequence[Labelled], found: People) -> dict[int, int]:
    """Whose detection is which, by their numbers: pairs are taken from the most similar one on, down to `FOUND`."""
    table = np.array([[one.similarity(keypoints) for keypoints in found.keypoints_px[:, :BODY]] for one in people])
    pairs = {}
    while table.size and table.max() > FOUND:
        person, detection = np.unravel_index(int(table.argmax()), table.shape)
        pairs[int(person)] = int(detection)
        table[person, :] = table[:, detection] = 0
    return pairs


def report(detector: str, scores: Sequence[PictureScore]) -> None:
    """Print one line per picture and their sum, and save the figures."""
    every = PictureScore("all", tuple(s for one in scores for s in one.similarities), sum(one.others for one in scores))
    print_table(f"People in still pictures, {detector}", [_row(one) for one in (*scores, every)])
    similarities = np.array(every.similarities)
    figures = {
        "detector": detector,
        "people": len(similarities),
        "found": int((similarities > FOUND).sum()),
        "right": float((similarities > RIGHT).mean()),
        "mean_similarity": float(similarities.mean()),
        "others": every.others,
        "pictures": {one.picture: one.similarities for one in scores},
    }
    print(f"saved to {save_results(f'still_people_{detector}', figures)}")


def _row(score: PictureScore) -> dict[str, str]:
    similarities = np.array(score.similarities)
    return {
        "picture": score.picture,
        "people": str(len(similarities)),
        f"found (OKS > {FOUND})": str(int((similarities > FOUND).sum())),
        f"OKS > {RIGHT}": f"{(similarities > RIGHT).mean():.2f}",
        "mean OKS": f"{similarities.mean():.2f}",
        "nobody's": str(score.others),
    }


if __name__ == "__main__":
    sys.exit(main())
