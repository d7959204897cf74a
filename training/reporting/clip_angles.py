"""Joint angles over whole held-out clips: `python -m training.reporting.clip_angles [--checkpoint PATH]`.

As somebody gets them who films a person from one place: each clip is seen by one camera that stands still, with the
evaluation's noise, and goes through the lifter's whole stage but for floor. What is constant over a clip (the bias) is
taken out for the offset-free error. Means over each subject's clips, then over the subjects.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import asdict, astuple
from pathlib import Path

import numpy as np

from liftline.camera import FocalLength
from liftline.files.atomic import write_json
from liftline.kinematics.angles import AngleError, angle_errors
from liftline.progress import FrameCounter, StopFlag
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.lifting.lift import LiftSettings, lift
from training.augmentation.sequence_noise import Noise
from training.motion.data import HELD_OUT_CMU, default_mocap_path, held_out_split, load_motion
from training.samples.sequences import CAMERA, simulate
from training.scoring import angle_rows

HDM_MEAN = "hdm_* mean"
NOISE = {"white": Noise.WHITE, "lifelike": Noise.LIFELIKE}
SEED = 1


def clip_angles(
    checkpoint: LifterCheckpoint, mocap: Path, noise: Noise, *, every: int = 1
) -> dict[str, dict[str, AngleError]]:
    """Of HDM05's actors and of CMU's subject, by angle; of every so many-th clip."""
    motion = held_out_split(load_motion(mocap))
    clips: dict[str, list[dict[str, AngleError]]] = defaultdict(list)
    for clip in range(0, len(motion.lengths), every):
        seen = simulate(motion, clip, noise=noise, seed=SEED)
        poses = lift(
            seen.tracks, checkpoint, focal=FocalLength(CAMERA.focal_px, "assumed"), settings=LiftSettings(),
            stop=StopFlag(), progress=FrameCounter(),
        )  # fmt: skip
        clips[seen.subject].append(angle_errors(poses.joints_m, seen.joints_m))
    subjects = {subject: _mean(own) for subject, own in clips.items()}
    groups = {HDM_MEAN: [own for name, own in subjects.items() if name != HELD_OUT_CMU]}
    groups[HELD_OUT_CMU] = [own for name, own in subjects.items() if name == HELD_OUT_CMU]
    return {name: _mean(group) for name, group in groups.items() if group}


def _mean(several: list[dict[str, AngleError]]) -> dict[str, AngleError]:
    """Each counting the same; a correlation that isn't known is left out."""
    return {
        name: AngleError(*np.nanmean([astuple(one[name]) for one in several], axis=0).tolist()) for name in several[0]
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path())
    parser.add_argument("--mocap", type=Path, default=default_mocap_path())
    parser.add_argument("--noise", choices=list(NOISE), default="white")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th clip, to be quick")
    parser.add_argument("--json", type=Path, help="save all figures here")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    print(f"{checkpoint.name}  sha256 {checkpoint.sha256[:12]}, {args.noise} noise")
    figures = clip_angles(checkpoint, args.mocap, NOISE[args.noise], every=args.every)
    for group, angles in figures.items():
        print(f"\n{'whole clips, ' + group:44}MAE     RMSE     bias  no off.     r")
        print("\n".join(angle_rows(angles)))
    if args.json:
        write_json(
            args.json, {group: {name: asdict(one) for name, one in own.items()} for group, own in figures.items()}
        )


if __name__ == "__main__":
    main()
