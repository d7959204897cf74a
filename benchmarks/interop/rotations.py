"""How near solved rotations put the joints, and how steadily: `python -m benchmarks.interop.rotations [POSES.npz ...]`.

Bones of constant length, the Euler angles as BVH has them, and forward kinematics, against the joints that they were
solved from: of poses of videos (`poses_3d/*.npz`), whose bones are constant, and of motion capture that no weights were
trained on (`--clips` of them, evenly chosen), whose spine is not: from the hips to its middle it changes by
centimetres, which no bone of constant length can follow. The exit code is 1 where for the videos the median is above
10 mm, the 95th percentile above 25 mm, or, for either, an Euler angle jumps by over 30 degrees a frame beyond what its
joint turns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import print_table, save_results
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline.errors import LiftlineError
from liftline.kinematics.person import Person, people, y_up
from liftline.kinematics.rig import ENDS, INDEX, POSE_JOINTS
from liftline.kinematics.solving import solve
from liftline.kinematics.turns import angles_between, continuous_euler, matrices, of_euler, quaternions
from liftline.skeletons import H36M17
from training.motion.data import default_mocap_path, held_out_split, load_motion

MEDIAN_MM, P95_MM, JUMP_DEG = 10.0, 25.0, 30.0


@dataclass(frozen=True)
class RotationFigures:
    """Distances of joints in mm; the largest turn of a joint from frame to frame, and by how much more an Euler angle
    changed, in degrees; joint frames whose Euler angles lag behind their rotation by more than a degree, of all."""

    frames: int
    median_mm: float
    p95_mm: float
    most_mm: float
    turn_deg: float
    jump_deg: float
    lagging: float

    @property
    def good(self) -> bool:
        """Whether the targets are met."""
        return self.median_mm <= MEDIAN_MM and self.p95_mm <= P95_MM and self.jump_deg <= JUMP_DEG


def figures(persons: Sequence[Person]) -> RotationFigures:
    """Of everyone's seen joints together."""
    errors, turns, jumps, lags = (list[NDArray[np.float64]]() for _ in range(4))
    for person in persons:
        motion = solve(person)
        euler = continuous_euler(matrices(motion.rotations))
        written = quaternions(of_euler(np.radians(euler)))
        joints, ends, _ = replace(motion, rotations=written).placed()
        errors.append(_distances_mm(person, joints, ends).ravel())
        turn = angles_between(motion.rotations[1:], motion.rotations[:-1])
        turns.append(turn.ravel())
        jumps.append((np.abs(np.diff(euler, axis=0)).max(axis=-1) - turn).ravel())
        lags.append(angles_between(written, motion.rotations).ravel())
    off = np.concatenate(errors)
    return RotationFigures(
        sum(map(len, persons)), float(np.median(off)), float(np.percentile(off, 95)), float(off.max()),
        float(np.concatenate(turns).max()), float(np.concatenate(jumps).max()),
        float((np.concatenate(lags) > 1).mean()),
    )  # fmt: skip


def _distances_mm(person: Person, joints: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    found = {theirs: joints[:, INDEX[ours]] for ours, theirs in POSE_JOINTS.items()}
    found["head"] = ends[:, ENDS.index("head")]
    names = [name for name in found if person.seen[person.skeleton.index[name]]]
    wanted = person.joints_m[:, person.skeleton.indices(*names)]
    return np.asarray(1000 * np.linalg.norm(np.stack([found[name] for name in names], axis=1) - wanted, axis=-1))


def _captured(clips: int) -> Iterator[Person]:
    motion = held_out_split(load_motion(default_mocap_path()))
    chosen = np.unique(np.linspace(0, len(motion.starts) - 1, clips).astype(int))
    for start, length in zip(motion.starts[chosen].tolist(), motion.lengths[chosen].tolist(), strict=True):
        rows = slice(start, start + length)
        joints_m = motion.joints_m[rows, : len(H36M17)].astype(np.float64) + motion.root_m[rows, None]
        yield Person(
            track_id=1, position=0, frame_index=np.arange(length), times_s=np.arange(length) / motion.rate_hz,
            joints_m=y_up(joints_m), scores=np.ones((length, len(H36M17)), np.float32),
            observed=np.ones(length, np.bool_), skeleton=H36M17,
        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and save the figures; 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interop.rotations", description=__doc__.splitlines()[0])
    parser.add_argument("poses", nargs="*", type=Path, help="poses of videos, beside their .scene.json")
    parser.add_argument("--clips", type=int, default=20, help="of motion capture [default: %(default)s]")
    given = parser.parse_args(arguments)
    found: dict[str, RotationFigures] = {}
    if default_mocap_path().exists():
        found["held-out motion capture"] = figures(list(_captured(given.clips)))
    for path in given.poses:
        poses, scene = poses_file.load(path), scene_file.load(path.with_suffix(".scene.json"))
        found[path.stem] = figures([person for person in people(poses, scene) if len(person) > 1])
    _report(found)
    steady = all(one.jump_deg <= JUMP_DEG for one in found.values())
    return 0 if found and steady and all(found[path.stem].good for path in given.poses) else 1


def _report(found: Mapping[str, RotationFigures]) -> None:
    rows = [
        {
            "joints of": name, "frames": str(one.frames),
            "median mm": f"{one.median_mm:.2f}", "p95 mm": f"{one.p95_mm:.2f}",
            "most mm": f"{one.most_mm:.1f}", "most turn deg": f"{one.turn_deg:.1f}", "jump deg": f"{one.jump_deg:.1f}",
            "lagging %": f"{100 * one.lagging:.3f}",
        }
        for name, one in found.items()
    ]  # fmt: skip
    print_table("Rotations: forward kinematics against the joints", rows)
    save_results("rotations", {name: asdict(one) for name, one in found.items()})


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LiftlineError as error:
        sys.exit(str(error))
