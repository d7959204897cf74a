"""What a detector does to keypoints, in real video: `python -m benchmarks.detection.keypoint_noise`.

The pipeline's 2D tracks of the two_people recordings (of the last `benchmarks.real_accuracy`) against where the four
views together put the keypoints (`ground_truth.multiview`). In parts of the person's size: the longer side of the box
around all 17 keypoints, the median over the clip. Errors that views share, such as another definition of a joint, don't
show; what a point's own view adds to the common estimate is made up for by a factor for the views' number.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy.signal import butter, sosfiltfilt

from benchmarks.common import print_table, save_results
from benchmarks.ground_truth.multiview import Person, people, rate_hz_of, views_of
from benchmarks.ground_truth.two_people import VIEWS, cameras_by_view, last_poses
from liftline.errors import LiftlineError
from liftline.skeletons import COCO17
from liftline_lifter.runs import runs

GROSS = 0.06
"""Beyond this share of the person's size a keypoint is somewhere else, not inaccurate."""
SLOW_HZ = 5.0
MIN_FINE = 0.5
"""Of a keypoint that is gross in more frames than this, nothing else is told."""

_PARTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
GROUPS: Mapping[str, list[int]] = {
    "face": list(range(5)),
    **{f"{part}s": COCO17.indices(f"left_{part}", f"right_{part}") for part in _PARTS},
}


@dataclass(frozen=True)
class Noise:
    """Per coordinate, in sizes, without gross errors: standard deviations of the clip's constant offset, of what is
    slower than `SLOW_HZ`, and of white noise (by second differences). Gross errors: share of frames, median distance,
    and the span that half of them lie in a longer one of, s."""

    bias: float
    drift: float
    jitter: float
    gross: float
    gross_size: float
    gross_span_s: float


def main() -> int:
    """Measure, print and save; returns the exit code."""
    try:
        found, rate_hz = _people()
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    figures = {}
    for number, person in enumerate(found, 1):
        noise = {group: noise_of(errors_of(person, joints), rate_hz=rate_hz) for group, joints in GROUPS.items()}
        name = f"person {number} (tracks {', '.join(map(str, person.track_ids))})"
        print_table(
            f"{name}, {' '.join(VIEWS)}, in parts of the person's size", [_row(*item) for item in noise.items()]
        )
        figures[name] = {group: asdict(one) for group, one in noise.items()}
    print(f"saved to {save_results('keypoint_noise', figures)}")
    return 0


def _people() -> tuple[list[Person], float]:
    results = last_poses()
    rate_hz = rate_hz_of(results)
    return people(views_of(results, cameras_by_view()), rate_hz=rate_hz), rate_hz


def errors_of(person: Person, joints: list[int]) -> NDArray[np.float64]:
    """(F,N,2) how far these keypoints of all views are from the common joints' projections, in sizes."""
    views = len(person.cameras)
    off = person.offsets_px()[:, :, joints] / person.sizes_px[:, None, None, None]
    own_share = np.sqrt(2 * views / (2 * views - 3))
    return np.asarray(own_share * np.concatenate(list(off), axis=1), np.float64)


def noise_of(off: NDArray[np.float64], *, rate_hz: float) -> Noise:
    """The noise of N keypoints in F frames, their errors (F,N,2) in sizes; NaN where one is missing."""
    distance = np.linalg.norm(off, axis=-1)
    gross = distance > GROSS
    fine = np.isfinite(distance) & ~gross
    kept = np.flatnonzero(fine.mean(axis=0) >= MIN_FINE)
    smooth = np.stack([_filled(off[:, keypoint], fine[:, keypoint]) for keypoint in kept], axis=1)
    bias = smooth.mean(axis=0)
    slow = sosfiltfilt(butter(2, SLOW_HZ, fs=rate_hz, output="sos"), smooth - bias, axis=0)
    white = np.diff(smooth, 2, axis=0) / np.sqrt(6)
    share = float(gross[np.isfinite(distance)].mean())
    if not gross.any():
        return Noise(_rms(bias), _rms(slow), _rms(white), share, 0.0, 0.0)
    spans = [stop - start for column in gross.T for start, stop in runs(column)]
    span_s = float(np.median(np.repeat(spans, spans))) / rate_hz
    return Noise(_rms(bias), _rms(slow), _rms(white), share, float(np.median(distance[gross])), span_s)


def _filled(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    frames = np.arange(len(values))
    return np.stack([np.interp(frames, frames[known], values[known, axis]) for axis in range(2)], axis=-1)


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _row(group: str, noise: Noise) -> dict[str, str]:
    return {
        "keypoints": group,
        "bias": f"{noise.bias:.4f}",
        "drift": f"{noise.drift:.4f}",
        "jitter": f"{noise.jitter:.4f}",
        "gross": f"{noise.gross:.1%}",
        "size of gross": f"{noise.gross_size:.2f}",
        "half in spans of, s": f"{noise.gross_span_s:.2f}",
    }


if __name__ == "__main__":
    sys.exit(main())
