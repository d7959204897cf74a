"""What each step around the network does for a motion: `python -m benchmarks.postprocessing`.

Off, each step alone, all together: on whole clips of the held-out subjects, seen by a camera that stands still with two
kinds of simulated detections (`training.augmentation.sequence_noise`), and on the real two_people recordings, whose
detections are those of the last `python -m benchmarks.real_accuracy`. Nothing is chosen on these; see docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.common import need, print_table, save_results
from benchmarks.ground_truth.matching import LIMB_HIPS, LIMBS_H36M, Match, Reference, match_people
from benchmarks.ground_truth.motion_scoring import Motion, MotionScore, stands
from benchmarks.ground_truth.truth import load_truths
from benchmarks.ground_truth.two_people import REFERENCES, VIEWS, cameras_by_view, tracks_of
from liftline.errors import LiftlineError
from liftline.poses import Poses
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import H36M17, LIMB_JOINTS
from liftline.tracks import Tracks
from liftline_cli.console.reporting import ConsoleReporter
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.lifting.focal_length import focal_length
from liftline_lifter.lifting.lift import UNREFINED, LiftSettings, lift
from training.augmentation.sequence_noise import Noise
from training.motion.data import HELD_OUT_CMU, default_mocap_path, held_out_split, load_motion
from training.samples.sequences import Sequence as Seen
from training.samples.sequences import simulate

STEPS: Mapping[str, LiftSettings] = {
    "off": UNREFINED,
    "side repair": replace(UNREFINED, repair_sides=True),
    "outlier rejection": replace(UNREFINED, reject_outliers=True),
    "constant bones": replace(UNREFINED, constant_bones=True),
    "foot locking": replace(UNREFINED, lock_feet=True),
    "smoothing": replace(UNREFINED, smooth="butterworth"),
    "all": LiftSettings(),
}
SCENES = (("white", Noise.WHITE, 50.0), ("lifelike", Noise.LIFELIKE, 50.0), ("lifelike, 30 Hz", Noise.LIFELIKE, 30.0))
SEED = 1

Clip = tuple[Motion, Motion, NDArray[np.bool_]]
_FEET = (H36M17.index["left_foot"], H36M17.index["right_foot"])
_LIMB_FEET = (LIMB_JOINTS.index("left_foot"), LIMB_JOINTS.index("right_foot"))
_LIMB_PARENTS = tuple(
    -1 if joint.endswith(("shoulder", "hip")) else number - 2 for number, joint in enumerate(LIMB_JOINTS)
)
"""Both sides' joints in turn: the joint above on the same side is two before."""
_SHORTEST_RUN = 10


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.postprocessing", description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path(), help="lifter weights")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th held-out clip, to be quick")
    options = parser.parse_args()
    console = Console(stderr=True)
    try:
        checkpoint = load_checkpoint(options.checkpoint)
        figures = {**simulated(checkpoint, every=options.every), **real(checkpoint, console)}
    except LiftlineError as error:
        console.print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    saved = {scene: {step: asdict(score) for step, score in scores.items()} for scene, scores in figures.items()}
    print(f"saved to {save_results('postprocessing', {'checkpoint': checkpoint.sha256, 'scenes': saved})}")
    return 0


def simulated(checkpoint: LifterCheckpoint, *, every: int) -> dict[str, dict[str, MotionScore]]:
    """Scores by scene and step, over the held-out clips; HDM05's is the mean of its actors."""
    motion = held_out_split(load_motion(need(default_mocap_path())))
    figures: dict[str, dict[str, MotionScore]] = {}
    for name, noise, rate_hz in SCENES:
        seen = [
            simulate(motion, clip, noise=noise, seed=SEED, rate_hz=rate_hz)
            for clip in range(0, len(motion.lengths), every)
        ]
        subjects = {step: _by_subject(seen, checkpoint, settings) for step, settings in STEPS.items()}
        actors = sorted({one.subject for one in seen} - {HELD_OUT_CMU})
        hdm = {step: MotionScore.mean([own[actor] for actor in actors]) for step, own in subjects.items()}
        cmu = {step: own[HELD_OUT_CMU] for step, own in subjects.items() if HELD_OUT_CMU in own}
        figures |= {f"HDM05 mean, {name}": hdm, f"{HELD_OUT_CMU}, {name}": cmu}
        for title in list(figures)[-2:]:
            report(title, figures[title])
    return figures


def _by_subject(seen: Sequence[Seen], checkpoint: LifterCheckpoint, settings: LiftSettings) -> dict[str, MotionScore]:
    clips: dict[str, list[Clip]] = {}
    for one in seen:
        clips.setdefault(one.subject, []).append(_clip(one, lifted(one.tracks, checkpoint, settings)))
    return {subject: MotionScore.of(own, H36M17.parents) for subject, own in clips.items()}


def _clip(seen: Seen, poses: Poses) -> Clip:
    body = poses.joints_m[:, : len(H36M17)]
    found = Motion(body, body + poses.root_cam_m[:, None], _FEET, seen.rate_hz)
    truth = Motion(seen.joints_m, seen.placed_m, _FEET, seen.rate_hz)
    return found, truth, stands(seen.placed_m[:, _FEET], seen.up, seen.floor_m, seen.rate_hz)


def lifted(tracks: Tracks, checkpoint: LifterCheckpoint, settings: LiftSettings) -> Poses:
    """Poses, without anyone to watch."""
    focal = focal_length(tracks, checkpoint, focal_px=settings.focal_px, fov_deg=settings.fov_deg)
    return lift(tracks, checkpoint, focal=focal, settings=settings, stop=StopFlag(), progress=FrameCounter())


def real(checkpoint: LifterCheckpoint, console: Console) -> dict[str, dict[str, MotionScore]]:
    """Scores by step, mean over two people in four views, 12 limb joints."""
    tracks = {view: tracks_of(view, ConsoleReporter(console)) for view in VIEWS}
    cameras = cameras_by_view()
    raw = {view: lifted(own, checkpoint, UNREFINED) for view, own in tracks.items()}
    truths = load_truths(REFERENCES, raw, cameras)
    scores: dict[str, MotionScore] = {}
    for step, settings in STEPS.items():
        people = []
        for view, own in tracks.items():
            poses = lifted(own, checkpoint, settings)
            references = [truth.seen_by(view, cameras[view]) for truth in truths]
            matches = match_people(poses, references, frames=len(references[0].known))
            for reference, match in zip(references, matches, strict=True):
                clips = [_real_clip(poses, reference, *run) for run in _runs(match)]
                people += [MotionScore.of(clips, _LIMB_PARENTS)] if clips else []
        scores[step] = MotionScore.mean(people)
    report("two_people, 60 Hz", scores)
    return {"two_people": scores}


def _runs(match: Match) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Frames and rows of a match, cut where frames are missing or another track goes on."""
    cuts = np.flatnonzero((np.diff(match.frames) != 1) | (np.diff(match.rows) != 1)) + 1
    runs = zip(np.split(match.frames, cuts), np.split(match.rows, cuts), strict=True)
    return [(frames, rows) for frames, rows in runs if len(frames) >= _SHORTEST_RUN]


def _real_clip(poses: Poses, reference: Reference, frames: NDArray[np.intp], rows: NDArray[np.intp]) -> Clip:
    rate_hz = 1 / float(np.median(np.diff(poses.frame_times_s)))
    placed = (poses.joints_m + poses.root_cam_m[:, None])[rows][:, LIMBS_H36M]
    truth = reference.camera.to_camera(reference.limbs_m[frames])
    up = reference.camera.rotation @ np.array([0.0, 0.0, 1.0])
    floor_m = float((truth[:, _LIMB_FEET] @ up).min())
    found, true = (
        Motion(one - one[:, LIMB_HIPS].mean(axis=1, keepdims=True), one, _LIMB_FEET, rate_hz) for one in (placed, truth)
    )
    return found, true, stands(truth[:, _LIMB_FEET], up, floor_m, rate_hz)


def report(title: str, scores: Mapping[str, MotionScore]) -> None:
    """Print one table."""
    off = scores["off"]
    rows = [
        {
            title: step,
            "P-MPJPE mm": f"{score.p_mpjpe_mm:.1f}",
            "MPJPE mm": f"{score.mpjpe_mm:.1f}",
            "accel. mm/frame²": f"{score.acceleration_mm:.2f}",
            "m/s²": f"{score.acceleration_m_s2:.1f}",
            "less": f"{off.acceleration_mm / score.acceleration_mm:.1f}x",
            "with root": f"{score.global_acceleration_mm:.2f}",
            "less ": f"{off.global_acceleration_mm / score.global_acceleration_mm:.1f}x",
            "skating cm/s": f"{score.skating_cm_s:.1f}",
            "drift mm": f"{score.drift_mm:.0f}",
            "bones ± mm": f"{score.bone_spread_mm:.1f}",
            "root mm": f"{score.root_mm:.0f}",
        }
        for step, score in scores.items()
    ]
    print_table("", rows)


if __name__ == "__main__":
    sys.exit(main())
