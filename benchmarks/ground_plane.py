"""Up, floor and where people are on it, against what is known: `python -m benchmarks.ground_plane`.

Simulated rooms (`benchmarks.ground_truth.simulated_rooms`, of the training split: constants were chosen on them) and
the four calibrated views of `two_people_*`. Each is lifted with the true focal length and with the assumed one, with
people brought to a common floor and without. Of the two people in the recordings, the second is a rendered character
with a principal point of her own (`benchmarks.ground_truth.truth`); where she stands is what the triangulation of her
keypoints says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from pathlib import Path
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.common import need, print_table, save_results
from benchmarks.ground_truth.matching import LIMB_HIPS, match_people
from benchmarks.ground_truth.reference import CalibratedCamera
from benchmarks.ground_truth.simulated_rooms import simulate_room
from benchmarks.ground_truth.truth import Truth, load_truths
from benchmarks.ground_truth.two_people import REFERENCES, VIEWS, cameras_by_view, tracks_of
from liftline.errors import LiftlineError
from liftline.poses import Poses
from liftline.progress import FrameCounter, StopFlag
from liftline.scene import Scene, to_world
from liftline.skeletons import H36M17
from liftline.tracks import Tracks
from liftline_cli.console.reporting import ConsoleReporter
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.stage import LiftSettings, lift_tracks
from training.motion.data import default_mocap_path, load_motion, training_split

Floats = NDArray[np.float64]

SEED = 3
_FEET = H36M17.indices("left_foot", "right_foot")
_HIPS = H36M17.indices("left_hip", "right_hip")


@dataclass(frozen=True)
class Placed:
    """One video, lifted one way.

    tilt_deg: between the estimated and the true up. feet_m: of how much people's lower feet differ in height over the
    estimated floor, when they are on one. apart_m: mean error of the distance between two people, None of one.
    depth: mean error of people's depth, over the true one.
    """

    source: str
    people: int
    focal: str
    common_floor: bool
    tilt_deg: float
    feet_m: float | None
    apart_m: float | None
    depth: float


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ground_plane", description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path(), help="lifter weights")
    parser.add_argument("--rooms", type=int, default=100, help="simulated rooms")
    options = parser.parse_args()
    console = Console(stderr=True)
    try:
        checkpoint = load_checkpoint(options.checkpoint)
        placed = [*simulated(options.rooms, checkpoint), *recorded(checkpoint, ConsoleReporter(console))]
    except LiftlineError as error:
        console.print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    report(placed)
    return 0


def simulated(rooms: int, checkpoint: LifterCheckpoint) -> Iterator[Placed]:
    """Everything of simulated rooms."""
    motion, rng = training_split(load_motion(need(default_mocap_path()))), np.random.default_rng(SEED)
    for _ in range(rooms):
        room = simulate_room(motion, rng)
        for focal, poses, scene, common in _lifted(room.tracks, room.camera.focal_px, checkpoint):
            hips = [poses.joints_m[at][:, _HIPS].mean(axis=1) + poses.root_cam_m[at] for at in _people(poses)]
            true = room.joints_m[:, :, _HIPS].mean(axis=2)
            yield _placed("simulated", focal, common, poses, scene, room.up, list(hips), list(true))


def recorded(checkpoint: LifterCheckpoint, reporter: ConsoleReporter) -> Iterator[Placed]:
    """Everything of the calibrated recordings."""
    cameras = cameras_by_view()
    tracks = {view: tracks_of(view, reporter) for view in VIEWS}
    known = {view: list(_lifted(tracks[view], float(cameras[view].matrix[0, 0]), checkpoint)) for view in VIEWS}
    truths = load_truths(REFERENCES, {view: lifted[0][1] for view, lifted in known.items()}, cameras)
    for view, camera in cameras.items():
        for focal, poses, scene, common in known[view]:
            hips, true = _matched(poses, truths, view, camera)
            yield _placed(view, focal, common, poses, scene, camera.rotation[:, 2], hips, true)


def _lifted(tracks: Tracks, focal_px: float, checkpoint: LifterCheckpoint) -> Iterator[tuple[str, Poses, Scene, bool]]:
    for focal, common in product(("known", "assumed"), (True, False)):
        settings = LiftSettings(common_floor=common, focal_px=focal_px if focal == "known" else None)
        result = lift_tracks(tracks, checkpoint, settings=settings, stop=StopFlag(), progress=FrameCounter())
        yield focal, result.poses, result.scene, common


def _people(poses: Poses) -> list[slice]:
    return [poses.rows(person) for person in range(len(poses))]


def _matched(
    poses: Poses, truths: Sequence[Truth], view: str, camera: CalibratedCamera
) -> tuple[list[Floats], list[Floats]]:
    """Hips (N,3) of everyone with a reference, lifted and true, in camera space, of the frames that all have."""
    references = [truth.seen_by(view, camera) for truth in truths]
    frames = min(len(reference.known) for reference in references)
    matches = match_people(poses, references, frames=frames)
    shared = [frame for frame in range(frames) if all(frame in match.frames for match in matches)]
    hips, true = [], []
    for reference, match in zip(references, matches, strict=True):
        rows = match.rows[np.searchsorted(match.frames, shared)]
        hips.append(poses.joints_m[rows][:, _HIPS].mean(axis=1) + poses.root_cam_m[rows])
        true.append(reference.camera.to_camera(reference.limbs_m[shared][:, LIMB_HIPS].mean(axis=1)))
    return hips, true


def _placed(
    source: str, focal: str, common: bool, poses: Poses, scene: Scene, up: Floats, hips: list[Floats],
    true: list[Floats],
) -> Placed:  # fmt: skip
    pairs = list(combinations(range(len(true)), 2))
    apart = [
        float(np.abs(np.linalg.norm(hips[a] - hips[b], axis=1) - np.linalg.norm(true[a] - true[b], axis=1)).mean())
        for a, b in pairs
    ]
    feet = [
        float(np.median(to_world(poses.joints_m[at][:, _FEET] + poses.root_cam_m[at, None], scene)[..., 2].min(axis=1)))
        for at in _people(poses)
    ]
    return Placed(
        source=source,
        people=len(true),
        focal=focal,
        common_floor=common,
        tilt_deg=float(np.degrees(np.arccos(np.clip(np.dot(up, scene.up), -1, 1)))),
        feet_m=float(np.ptp(feet)) if pairs else None,
        apart_m=fmean(apart) if apart else None,
        depth=fmean(float(np.abs(h[:, 2] / t[:, 2] - 1).mean()) for h, t in zip(hips, true, strict=True)),
    )


def report(placed: Sequence[Placed]) -> None:
    """Print the table and save it."""
    groups: dict[tuple[str, ...], list[Placed]] = {}
    for one in placed:
        source = (
            f"simulated, {'one person' if one.people == 1 else 'several'}" if one.source == "simulated" else one.source
        )
        common = "yes" if one.common_floor else "no"
        groups.setdefault((source, one.focal, common), []).append(one)
    for focal, common in product(("known", "assumed"), ("yes", "no")):
        groups["two_people, mean", focal, common] = [
            one
            for key, group in groups.items()
            if key[0].startswith("cam") and key[1:] == (focal, common)
            for one in group
        ]
    rows = [_row(key, group) for key, group in groups.items() if group]
    print_table("Up and floor", rows)
    print(f"saved to {save_results('ground_plane', {'rows': rows, 'videos': [asdict(one) for one in placed]})}")


def _row(key: tuple[str, ...], group: list[Placed]) -> Mapping[str, str]:
    tilts = [one.tilt_deg for one in group]
    feet, apart = (
        [v for v in values if v is not None] for values in zip(*((o.feet_m, o.apart_m) for o in group), strict=True)
    )
    return {
        "videos": key[0],
        "focal length": key[1],
        "common floor": key[2],
        "n": str(len(group)),
        "tilt, deg": f"{fmean(tilts):.1f}",
        "median": f"{median(tilts):.1f}",
        "90 %": f"{float(np.quantile(tilts, 0.9)):.1f}",
        "feet apart in height, m": f"{fmean(feet):.2f}" if feet else "",
        "people apart, error, m": f"{fmean(apart):.2f}" if apart else "",
        "depth, error": f"{fmean(one.depth for one in group):.1%}",
    }


if __name__ == "__main__":
    sys.exit(main())
