"""Feet against four views' common opinion: `python -m benchmarks.detection.feet`, after `benchmarks.real_accuracy`.

Heels and big toes of the two_people recordings, triangulated as `ground_truth.multiview` does the limbs, and projected
back; how far each view's own point is from there, in parts of the length from knee to ankle as long as it is in that
picture when it isn't foreshortened. The mean over frames in which the view believes its point (score of at least a
half). A view has a say in what it is compared with: its errors look smaller by about a sixth.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from rich.console import Console

from benchmarks.common import print_table, save_results
from benchmarks.ground_truth.multiview import GATE, Person, people, rate_hz_of, smoothed, views_of
from benchmarks.ground_truth.triangulation import Floats, triangulate
from benchmarks.ground_truth.two_people import VIEWS, cameras_by_view, last_poses
from liftline.errors import LiftlineError
from liftline.poses import Poses
from liftline.skeletons import COCO17, HALPE26_HANDS

TRUSTED = 0.5
POINTS = ("left_heel", "right_heel", "left_big_toe", "right_big_toe")
_JOINTS = HALPE26_HANDS.indices(*POINTS)
_KNEES, _ANKLES = (COCO17.indices(f"left_{part}", f"right_{part}") for part in ("knee", "ankle"))


@dataclass(frozen=True)
class FootError:
    """One point of one person in one view: mean error in parts of the shank, over the share of frames believed."""

    person: str
    view: str
    point: str
    of_shank: float
    believed: float


def main() -> int:
    """Measure, print and save; returns the exit code."""
    try:
        poses = last_poses()
        rate_hz, frames = rate_hz_of(poses), len(poses[VIEWS[0]].frame_times_s)
        found = people(views_of(poses, cameras_by_view(), frames=frames), rate_hz=rate_hz)
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report([error for n, person in enumerate(found, 1) for error in errors_of(f"person {n}", person, poses, rate_hz)])
    return 0


def errors_of(name: str, person: Person, poses: Mapping[str, Poses], rate_hz: float) -> list[FootError]:
    """How far each view's points of somebody are from where all views put them."""
    frames = len(person.joints_m)
    seen = [_feet(one, track, frames) for one, track in zip(poses.values(), person.track_ids, strict=True)]
    points, scores = np.stack([p for p, _ in seen]), np.stack([s for _, s in seen])
    flat, weights = points.reshape(len(seen), -1, 2), scores.reshape(len(seen), -1)
    gates = np.broadcast_to(GATE * person.sizes_px[:, None], weights.shape)
    raw = triangulate(person.cameras, flat, weights, gates).points_m.reshape(frames, len(POINTS), 3)
    feet = smoothed(raw, rate_hz)
    return [
        FootError(
            name, view, point, *_of_shank(person, number, points[number, :, at], scores[number, :, at], feet[:, at])
        )
        for number, view in enumerate(poses)
        for at, point in enumerate(POINTS)
    ]


def _feet(poses: Poses, track: int, frames: int) -> tuple[Floats, Floats]:
    """(F,4,2) and scores (F,4) of the feet of a track, NaN and 0 where it wasn't observed."""
    points, scores = np.full((frames, len(POINTS), 2), np.nan), np.zeros((frames, len(POINTS)))
    rows = np.arange(len(poses.frame_index))[poses.rows(poses.track_ids.tolist().index(track))]
    rows = rows[poses.observed[rows] & (poses.frame_index[rows] < frames)]
    points[poses.frame_index[rows]] = poses.keypoints_px[rows][:, _JOINTS]
    scores[poses.frame_index[rows]] = poses.keypoint_scores[rows][:, _JOINTS]
    return points, scores


def _of_shank(person: Person, view: int, points_px: Floats, scores: Floats, feet_m: Floats) -> tuple[float, float]:
    """Mean error of one point (F,2) in one view, in parts of the shank, and the share of frames that it is over."""
    camera = person.cameras[view]
    shank_m = np.nanmedian(np.linalg.norm(person.joints_m[:, _KNEES] - person.joints_m[:, _ANKLES], axis=-1))
    depth_m = camera.to_camera(feet_m)[:, 2]
    shank_px = shank_m * camera.matrix[0, 0] / depth_m
    apart = np.linalg.norm(points_px - camera.project(feet_m), axis=-1) / shank_px
    believed = (scores >= TRUSTED) & np.isfinite(apart)
    return float(apart[believed].mean()) if believed.any() else float("nan"), float(believed.mean())


def report(errors: list[FootError]) -> None:
    """Print one line per person and point, the views beside each other, and their means; save the figures."""
    rows = []
    for person in dict.fromkeys(error.person for error in errors):
        for point in POINTS:
            own = [error for error in errors if (error.person, error.point) == (person, point)]
            cells = {error.view: f"{error.of_shank:.1%} ({error.believed:.0%})" for error in own}
            rows.append({"person, point": f"{person} {point}", **cells, "mean": f"{_mean(own):.1%}"})
    print_table("Errors of feet in parts of the shank (frames believed)", rows)
    means = {part: _mean([error for error in errors if part in error.point]) for part in ("heel", "big_toe")}
    print(", ".join(f"{part}: {value:.1%}" for part, value in means.items()))
    print(f"saved to {save_results('feet', {'mean': means, 'errors': [asdict(error) for error in errors]})}")


def _mean(errors: list[FootError]) -> float:
    """Over frames: every error counts as often as it was believed."""
    return float(np.average([error.of_shank for error in errors], weights=[error.believed for error in errors]))


if __name__ == "__main__":
    sys.exit(main())
