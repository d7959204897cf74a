"""Measure a checkpoint on synthetic people in known postures: `python -m training.reporting.postures`.

The lifter's whole stage, but for floor and feet, on keypoints that are all as sure; the focal length is the assumed one
and true. Errors of knees, elbows, hips and shoulders, and of the trunk's direction in space, in degrees: the mean over
bodies, cameras, sides and yaws, and that of the worst yaw.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from liftline.camera import FocalLength
from liftline.files.atomic import write_json
from liftline.kinematics.angles import JOINT_ANGLES, between, joint_angles
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import H36M17
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.lifting.lift import LiftSettings, lift
from training.samples.mannequins import POSTURES, YAWS_DEG, Seen, everybody

PARTS = ("knee", "hip", "elbow", "shoulder", "trunk")
_TRUNK = H36M17.index["thorax"]


@dataclass(frozen=True)
class PostureError:
    """Mean absolute error in degrees; `worst_yaw_deg` is the mean at the yaw where it is largest, `worst_yaw`."""

    mean_deg: float
    worst_yaw_deg: float
    worst_yaw: int


def posture_errors(checkpoint: LifterCheckpoint, people: Iterable[Seen]) -> dict[str, dict[str, PostureError]]:
    """By posture, then by part; `people` in every posture at every yaw."""
    found: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for seen in people:
        for part, errors in _errors(seen, checkpoint).items():
            found[seen.posture, part, seen.yaw_deg] += errors
    return {
        posture: {part: _error([found[posture, part, yaw] for yaw in YAWS_DEG]) for part in PARTS}
        for posture in POSTURES
    }


def _error(by_yaw: list[list[float]]) -> PostureError:
    means = [float(np.mean(errors)) for errors in by_yaw]
    worst = int(np.argmax(means))
    return PostureError(float(np.mean(means)), means[worst], YAWS_DEG[worst])


def _errors(seen: Seen, checkpoint: LifterCheckpoint) -> dict[str, list[float]]:
    focal = FocalLength(seen.camera.focal_px, "assumed")
    poses = lift(
        seen.tracks, checkpoint, focal=focal, settings=LiftSettings(), stop=StopFlag(), progress=FrameCounter()
    ).joints_m
    off = np.abs(joint_angles(poses) - joint_angles(seen.joints_m)).mean(axis=0)
    trunk = between(np.asarray(poses[:, _TRUNK], np.float64), np.broadcast_to(seen.joints_m[_TRUNK], (len(poses), 3)))
    errors = {
        part: [off[i] for i, angle in enumerate(JOINT_ANGLES) if angle.name.endswith(part)] for part in PARTS[:-1]
    }
    return errors | {"trunk": [float(trunk.mean())]}


def posture_figures(errors: dict[str, dict[str, PostureError]]) -> dict[str, Any]:
    """The same as JSON can hold it."""
    return {posture: {part: asdict(one) for part, one in own.items()} for posture, own in errors.items()}


def report(errors: dict[str, dict[str, PostureError]]) -> None:
    """Print the table."""
    print(f"{'mean / worst yaw, degrees':26}" + "".join(f"{part:>21}" for part in PARTS))
    for posture, own in errors.items():
        cells = (f"{one.mean_deg:8.1f} /{one.worst_yaw_deg:5.1f} ({one.worst_yaw:3d})" for one in own.values())
        print(f"{posture:26}" + "".join(f"{cell:>21}" for cell in cells))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path())
    parser.add_argument("--json", type=Path, help="save all figures here")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    print(f"{checkpoint.name}  sha256 {checkpoint.sha256[:12]}")
    errors = posture_errors(checkpoint, everybody())
    report(errors)
    if args.json:
        write_json(args.json, posture_figures(errors))


if __name__ == "__main__":
    main()
