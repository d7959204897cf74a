"""Measure a checkpoint on people it never saw: `python -m training.evaluate [--checkpoint PATH]`.

Every figure that the project publishes comes from here. Seeds, cameras and noise are fixed, so figures of different
checkpoints compare. Per held-out subject, windows around random frames (the clips' edges included, padded as in use)
go through the same normalisation and network as in use.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from liftline.metrics import mpjpe, n_mpjpe, p_mpjpe
from liftline.skeletons import COCO17, H36M17
from liftline_lifter.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.normalise import Normalisation, by_person
from training.bones import BoneMotion, to_bones
from training.data import HELD_OUT_CMU, default_mocap_path, held_out_split, load_motion
from training.windows import Windows, evaluation_windows

SEED = 1
WINDOWS_PER_SUBJECT = 1500

Floats = NDArray[np.float32]
Predict = Callable[[Floats], Floats]

_MIRROR = np.array([-1, 1], np.float32)
_MIRROR_3D = np.array([-1, 1, 1], np.float32)


@dataclass(frozen=True)
class Score:
    """Mean errors in millimetres."""

    mpjpe_mm: float
    p_mpjpe_mm: float
    n_mpjpe_mm: float

    @classmethod
    def of(cls, predicted_m: Floats, wanted_m: Floats) -> Score:
        """The scores of (B, 17, 3) poses in metres."""
        errors = (metric(predicted_m, wanted_m).mean() * 1000 for metric in (mpjpe, p_mpjpe, n_mpjpe))
        return cls(*(float(error) for error in errors))

    @classmethod
    def mean(cls, scores: list[Score]) -> Score:
        """The mean over subjects, each counting the same."""
        rows = np.array([(s.mpjpe_mm, s.p_mpjpe_mm, s.n_mpjpe_mm) for s in scores])
        return cls(*(float(value) for value in rows.mean(axis=0)))


def predict(checkpoint: LifterCheckpoint, rays: Floats, *, flip: bool = True) -> Floats:
    """Lift windows as the lifter service does: normalise, run the network on them and on their mirror image, turn back.

    Args:
        checkpoint: a network with `person` normalisation.
        rays: (B, receptive_field + 2 * SMOOTHING_FRAMES, 17, 2).
        flip: average with the mirrored person's result.

    Returns:
        (B, 17, 3) root-relative joints in camera space, metres.
    """
    if checkpoint.normalisation is not Normalisation.PERSON:
        raise ValueError("only checkpoints with `person` normalisation can be measured on simulated cameras")
    inputs, rotations = by_person(rays)
    poses: NDArray[np.floating] = _run(checkpoint, inputs)
    if flip:
        mirrored = _run(checkpoint, inputs[:, :, COCO17.mirrored] * _MIRROR)
        poses = 0.5 * (poses + mirrored[:, H36M17.mirrored] * _MIRROR_3D)
    middle = rotations[:, inputs.shape[1] // 2]
    return np.asarray(poses @ np.swapaxes(middle, 1, 2), np.float32)


def _run(checkpoint: LifterCheckpoint, inputs: Floats) -> Floats:
    with torch.inference_mode():
        parts = np.array_split(np.ascontiguousarray(inputs), max(1, len(inputs) // 256))
        model = checkpoint.pose_model
        return np.concatenate([model.forward_windows(torch.from_numpy(part))[:, 0].numpy() for part in parts])


def held_out_windows(
    body: BoneMotion, subjects: NDArray[np.str_], frames: int, *, noisy: bool, count: int = WINDOWS_PER_SUBJECT
) -> dict[str, Windows]:
    """The fixed evaluation windows, `count` of every held-out subject, from the clips' subjects (K,)."""
    windows = {}
    for number, subject in enumerate(sorted(set(subjects.tolist()))):
        rng = np.random.default_rng([SEED, number])
        own = body.frames[subjects[body.frames[:, 0]] == subject]
        chosen = own[rng.integers(0, len(own), count)]
        windows[subject] = evaluation_windows(body, chosen, frames, rng, noisy=noisy)
    return windows


def evaluate(
    checkpoint: LifterCheckpoint,
    mocap: Path,
    *,
    noisy: bool,
    flip: bool = True,
    focal_error: float = 1.0,
    count: int = WINDOWS_PER_SUBJECT,
) -> dict[str, Score]:
    """Scores per held-out subject, and under `hdm_* mean` the mean over the HDM05 actors."""
    motion = held_out_split(load_motion(mocap))
    frames = checkpoint.pose_model.receptive_field
    windows = held_out_windows(to_bones(motion), motion.subjects, frames, noisy=noisy, count=count)
    scores = {
        subject: Score.of(predict(checkpoint, own.rays / np.float32(focal_error), flip=flip), own.poses_m[:, 0])
        for subject, own in windows.items()
    }
    hdm = [score for subject, score in scores.items() if subject != HELD_OUT_CMU]
    return scores | {"hdm_* mean": Score.mean(hdm)} if hdm else scores


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path())
    parser.add_argument("--mocap", type=Path, default=default_mocap_path())
    parser.add_argument("--no-flip", action="store_true", help="without averaging over the mirror image")
    parser.add_argument(
        "--focal-error", type=float, default=1.0, help="assumed over true focal length (default 1: it's known)"
    )
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    print(f"{checkpoint.name}  sha256 {checkpoint.sha256[:12]}  arc {checkpoint.filter_widths}")
    for label, noisy in (("simulated detections", True), ("clean keypoints", False)):
        print(f"\n{label:24}{'MPJPE':>8}{'P-MPJPE':>9}{'N-MPJPE':>9}  mm")
        scores = evaluate(checkpoint, args.mocap, noisy=noisy, flip=not args.no_flip, focal_error=args.focal_error)
        for subject, score in scores.items():
            print(f"{subject:24}{score.mpjpe_mm:8.1f}{score.p_mpjpe_mm:9.1f}{score.n_mpjpe_mm:9.1f}")


if __name__ == "__main__":
    main()
