"""Measure a checkpoint on people it never saw: `python -m training.evaluate [--checkpoint PATH]`.

Every figure that the project publishes of a checkpoint comes from here. Seeds, cameras and noise are fixed, so figures
of different checkpoints compare. Per held-out subject, windows around random frames (the clips' edges included, padded
as in use) go through the same normalisation and network as in use. Motion (MPJVE, acceleration error) is the raw
network's, before any post-processing, on runs of half a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from liftline.files.atomic import write_json
from liftline.kinematics.angles import AngleError
from liftline.skeletons import H36M17
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from training.motion.bones import to_bones
from training.motion.data import HELD_OUT_CMU, Motion, default_mocap_path, held_out_split, load_motion
from training.predict import Floats, predict, predict_runs
from training.samples.held_out import RUNS_PER_SUBJECT, SEED, WINDOWS_PER_SUBJECT, held_out_runs, held_out_windows
from training.scoring import (
    ActionScore,
    JointScore,
    MotionScore,
    Score,
    angle_rows,
    by_action,
    by_angle,
    by_joint,
    mean_angles,
)

HDM_MEAN = "hdm_* mean"
KEYPOINTS = {"simulated": "simulated detections", "clean": "clean keypoints"}

Means = TypeVar("Means", Score, MotionScore, JointScore)


@dataclass(frozen=True)
class Evaluation:
    """Errors with one kind of keypoints.

    Attributes:
        subjects, motion: by held-out subject, and under `HDM_MEAN` the mean over the HDM05 actors.
        joints, actions, angles: by joint, action and joint angle, of the HDM05 actors (`HDM_MEAN`; actions: their
            windows together) and of CMU's subject.
    """

    subjects: dict[str, Score]
    motion: dict[str, MotionScore]
    joints: dict[str, dict[str, JointScore]]
    actions: dict[str, dict[str, ActionScore]]
    angles: dict[str, dict[str, AngleError]]


@dataclass(frozen=True)
class Conditions:
    """What the network is given: detections or exact keypoints, averaging, a focal length (assumed over true).

    With `feet_and_hands` a network that reads them gets those, too, seen as well as the rest; HDM05 has no feet.
    """

    noisy: bool = True
    flip: bool = True
    focal_error: float = 1.0
    feet_and_hands: bool = False


def evaluate(
    checkpoint: LifterCheckpoint,
    mocap: Path,
    conditions: Conditions,
    *,
    count: int = WINDOWS_PER_SUBJECT,
    runs: int = RUNS_PER_SUBJECT,
) -> Evaluation:
    """Everything that is measured, with `count` windows and `runs` runs of every subject."""
    motion = held_out_split(load_motion(mocap))
    lifted = _lifted(checkpoint, motion, conditions, count)
    groups = {name: [lifted[subject] for subject in group] for name, group in _groups(lifted).items()}
    return Evaluation(
        _scores(lifted),
        _with_mean(_motion_scores(checkpoint, motion, conditions, runs)),
        {name: _joints(group) for name, group in groups.items()},
        {name: _actions(group) for name, group in groups.items()},
        {
            name: mean_angles([by_angle(own.predicted_m, own.wanted_m) for own in group])
            for name, group in groups.items()
        },
    )


def evaluate_both(checkpoint: LifterCheckpoint, mocap: Path, conditions: Conditions) -> dict[str, Evaluation]:
    """With both kinds of `KEYPOINTS`."""
    return {name: evaluate(checkpoint, mocap, replace(conditions, noisy=name == "simulated")) for name in KEYPOINTS}


def window_scores(
    checkpoint: LifterCheckpoint, mocap: Path, conditions: Conditions, *, count: int = WINDOWS_PER_SUBJECT
) -> dict[str, Score]:
    """`evaluate(...).subjects` alone."""
    return _scores(_lifted(checkpoint, held_out_split(load_motion(mocap)), conditions, count))


@dataclass(frozen=True)
class _Lifted:
    """Poses of one subject, metres: (B, 17 or 29, 3), (B, 29, 3) with NaN where unknown; (B,) what is done in them."""

    predicted_m: Floats
    wanted_m: Floats
    actions: NDArray[np.str_]


def _lifted(checkpoint: LifterCheckpoint, motion: Motion, conditions: Conditions, count: int) -> dict[str, _Lifted]:
    frames = checkpoint.pose_model.receptive_field
    lifted = {}
    for subject, own in held_out_windows(to_bones(motion), motion, frames, noisy=conditions.noisy, count=count).items():
        rays = own.windows.rays / np.float32(conditions.focal_error)
        given = own.windows.known if conditions.feet_and_hands else None
        predicted_m = predict(checkpoint, rays, given, flip=conditions.flip)
        lifted[subject] = _Lifted(predicted_m, own.windows.known_poses_m, own.actions)
    return lifted


def _bodies(own: _Lifted) -> tuple[Floats, Floats]:
    """(B, 17, 3) twice."""
    return own.predicted_m[:, : len(H36M17)], own.wanted_m[:, : len(H36M17)]


def _scores(lifted: dict[str, _Lifted]) -> dict[str, Score]:
    return _with_mean({subject: Score.of(*_bodies(own)) for subject, own in lifted.items()})


def _motion_scores(
    checkpoint: LifterCheckpoint, motion: Motion, conditions: Conditions, count: int
) -> dict[str, MotionScore]:
    frames = checkpoint.pose_model.receptive_field
    scores = {}
    for subject, own in held_out_runs(motion, frames, noisy=conditions.noisy, count=count).items():
        rays = own.rays / np.float32(conditions.focal_error)
        predicted_m = predict_runs(checkpoint, rays, flip=conditions.flip)[:, :, : len(H36M17)]
        scores[subject] = MotionScore.of(predicted_m, own.poses_m, checkpoint.rate_hz)
    return scores


def _groups(subjects: Iterable[str]) -> dict[str, list[str]]:
    """The HDM05 actors, and CMU's subject; as far as there are any."""
    subjects = list(subjects)
    hdm = [subject for subject in subjects if subject != HELD_OUT_CMU]
    groups = {HDM_MEAN: hdm, HELD_OUT_CMU: [HELD_OUT_CMU] if HELD_OUT_CMU in subjects else []}
    return {name: group for name, group in groups.items() if group}


def _with_mean(scores: dict[str, Means]) -> dict[str, Means]:
    hdm = [scores[subject] for subject in _groups(scores).get(HDM_MEAN, [])]
    return scores | {HDM_MEAN: type(hdm[0]).mean(hdm)} if hdm else scores


def _joints(subjects: list[_Lifted]) -> dict[str, JointScore]:
    each = [by_joint(*_bodies(own)) for own in subjects]
    return {joint: JointScore.mean([one[joint] for one in each]) for joint in each[0]}


def _actions(subjects: list[_Lifted]) -> dict[str, ActionScore]:
    columns = ((*_bodies(own), own.actions) for own in subjects)
    return by_action(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def report(label: str, evaluation: Evaluation, *, per_joint: bool, per_action: bool) -> None:
    """Print tables."""
    print(f"\n{label:28}{'MPJPE':>8}{'P-MPJPE':>9}{'N-MPJPE':>9}{'MPJVE':>8}{'accel.':>8}")
    print(f"{'':28}{'mm':>8}{'mm':>9}{'mm':>9}{'mm/f':>8}{'mm/f²':>8}{'m/s²':>7}")
    for subject, score in evaluation.subjects.items():
        moving = evaluation.motion[subject]
        speed = f"{moving.mpjve_mm:8.2f}{moving.acceleration_mm:8.2f}{moving.acceleration_m_s2:7.2f}"
        print(_row(subject, score) + speed)
    for group, angles in evaluation.angles.items():
        print(f"\n{label + ', ' + group:44}MAE     RMSE     bias  no off.     r")
        print("\n".join(angle_rows(angles)))
    for group, joints in evaluation.joints.items() if per_joint else ():
        print(f"\n{label}, {group}")
        for joint, own in joints.items():
            print(f"{joint:28}{own.mpjpe_mm:8.1f}{own.p_mpjpe_mm:9.1f}")
    for group, actions in evaluation.actions.items() if per_action else ():
        print(f"\n{label}, {group}{'windows':>{54 - len(label) - len(group)}}")
        for action, done in actions.items():
            print(f"{_row(action, done.score)}{done.windows:8d}")


def _row(name: str, score: Score) -> str:
    return f"{name:28}{score.mpjpe_mm:8.1f}{score.p_mpjpe_mm:9.1f}{score.n_mpjpe_mm:9.1f}"


def figures_of(
    checkpoint: LifterCheckpoint, conditions: Conditions, evaluations: dict[str, Evaluation]
) -> dict[str, Any]:
    """What was measured of which network, as JSON can hold it."""
    measured = {name: asdict(evaluation) for name, evaluation in evaluations.items()}
    return {"checkpoint": _about(checkpoint), "conditions": asdict(conditions), **measured}


def _about(checkpoint: LifterCheckpoint) -> dict[str, Any]:
    """What a reader of figures has to know of the network."""
    model = checkpoint.pose_model
    return {
        "name": checkpoint.name,
        "sha256": checkpoint.sha256,
        "licence": checkpoint.licence,
        "filter_widths": list(checkpoint.filter_widths),
        "channels": model.channels,
        "receptive_field": model.receptive_field,
        "parameters": sum(weights.numel() for weights in model.parameters()),
        "rate_hz": checkpoint.rate_hz,
        "reads_scores": checkpoint.reads_scores,
        "training": checkpoint.training,
        "windows_per_subject": WINDOWS_PER_SUBJECT,
        "runs_per_subject": RUNS_PER_SUBJECT,
        "seed": SEED,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path())
    parser.add_argument("--mocap", type=Path, default=default_mocap_path())
    parser.add_argument("--no-flip", action="store_true", help="without averaging over the mirror image")
    parser.add_argument("--focal-error", type=float, default=1.0, help="assumed over true focal length (default: 1)")
    parser.add_argument("--feet-and-hands", action="store_true", help="given to a network that reads them")
    parser.add_argument("--per-joint", action="store_true", help="MPJPE and P-MPJPE of every joint, too")
    parser.add_argument("--per-action", action="store_true", help="scores of every action, too")
    parser.add_argument("--json", type=Path, help="save all figures here")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    print(f"{checkpoint.name}  sha256 {checkpoint.sha256[:12]}  arc {checkpoint.filter_widths}")
    conditions = Conditions(flip=not args.no_flip, focal_error=args.focal_error, feet_and_hands=args.feet_and_hands)
    evaluations = evaluate_both(checkpoint, args.mocap, conditions)
    for name, label in KEYPOINTS.items():
        report(label, evaluations[name], per_joint=args.per_joint, per_action=args.per_action)
    if args.json:
        write_json(args.json, figures_of(checkpoint, conditions, evaluations))


if __name__ == "__main__":
    main()
