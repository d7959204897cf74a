"""VideoPose3D's own scripts, unchanged, on our files; and ours on theirs.

Runs where `LIFTLINE_VIDEOPOSE3D_REPO` names a checkout of github.com/facebookresearch/VideoPose3D. Its
infer_video_d2.py needs NumPy before 1.24: `LIFTLINE_NUMPY1_PYTHON` names an interpreter that has it (nothing else is
needed there), and those tests run with it. run.py loads checkpoints that hold a NumPy RandomState, for which today's
PyTorch wants to be told that the file is trusted; that is an environment variable of PyTorch's, no change to run.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from liftline import poses as poses_file
from liftline.detections import Detections, People
from liftline.tracks import Tracks
from liftline_lifter.videopose3d.dataset import read_custom_dataset, write_custom_dataset
from liftline_lifter.videopose3d.detectron import read_detectron_file, write_detectron_file
from liftline_lifter.videopose3d.lift_input import load_keypoints
from tests.unit.lifter.random_networks import random_keypoints, random_model, tracks_of

REPO, NUMPY1 = (os.environ.get(name) for name in ("LIFTLINE_VIDEOPOSE3D_REPO", "LIFTLINE_NUMPY1_PYTHON"))
TOLERANCE_M = 1e-4

pytestmark = [
    pytest.mark.videopose3d,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not REPO, reason="LIFTLINE_VIDEOPOSE3D_REPO names no checkout of VideoPose3D"),
]
needs_numpy1 = pytest.mark.skipif(not NUMPY1, reason="LIFTLINE_NUMPY1_PYTHON names no Python with NumPy before 1.24")


@pytest.fixture
def videopose3d(tmp_path: Path) -> Path:
    """A copy of the checkout, so that what the scripts write goes away."""
    folder = tmp_path / "VideoPose3D"
    shutil.copytree(str(REPO), folder, ignore=shutil.ignore_patterns(".git"))
    (folder / "checkpoint").mkdir(exist_ok=True)
    return folder


def run(command: list[object], cwd: Path) -> str:
    environment = {**os.environ, "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def write_checkpoint(
    path: Path, arc: tuple[int, ...], channels: int, *, causal: bool = False, trajectory: bool | None = False
) -> None:
    """Random weights in VideoPose3D's format; `trajectory` None writes an entry without weights."""
    torch.manual_seed(0)
    content: dict[str, Any] = {
        "epoch": 80, "lr": 1e-3, "random_state": np.random.RandomState(1234), "optimizer": None,
        "model_pos": random_model(arc, channels, causal=causal).state_dict(),
    }  # fmt: skip
    if trajectory:
        content["model_traj"] = random_model(arc, channels, joints_out=1, causal=causal).state_dict()
    torch.save(content, path)


def their_export(folder: Path, subject: str, arc: str, channels: int, *flags: str) -> NDArray[np.float32]:
    """What run.py --viz-export writes: (T,17,3)."""
    run(
        [
            sys.executable, "run.py", "-d", "custom", "-k", "ours", "-arc", arc, "-ch", channels, "-c", "checkpoint",
            "--evaluate", "random.bin", "--render", "--viz-subject", subject, "--viz-action", "custom",
            "--viz-camera", "0", "--viz-export", "out.npy", *flags,
        ],
        folder,
    )  # fmt: skip
    return np.load(folder / "out.npy")


def our_poses(folder: Path, *flags: object) -> Any:
    """What the command gives for the same two files."""
    command = [sys.executable, "-m", "liftline_cli.main", "lift", "data/data_2d_custom_ours.npz"]
    options = ["--checkpoint", "checkpoint/random.bin", "--native-rate", "--smooth", "none", "--fps", 30]
    run([*command, *options, *flags, "--output", "ours.npz"], folder)
    return poses_file.load(folder / "ours.npz")


def compare(
    folder: Path,
    tracks: Tracks,
    arc: str,
    channels: int,
    *flags: str,
    trajectory: bool = False,
    theirs_alone: tuple[str, ...] = (),
) -> float:
    """The largest difference in metres over everyone in the dataset."""
    widths = tuple(int(width) for width in arc.split(","))
    write_checkpoint(
        folder / "checkpoint" / "random.bin", widths, channels, causal="--causal" in flags, trajectory=trajectory
    )
    write_custom_dataset(folder / "data" / "data_2d_custom_ours.npz", tracks)
    poses = our_poses(folder, *flags)
    worst = 0.0
    for position in range(len(tracks)):
        theirs = their_export(
            folder, f"clip.mp4{f'#{position + 1}' * (position > 0)}", arc, channels, *flags, *theirs_alone
        )
        rows = poses.rows(position)
        ours = poses.joints_m[rows] + (poses.root_cam_m[rows][:, None] if trajectory else 0)
        assert ours.shape == theirs.shape
        assert np.abs(theirs).max() > 0.05  # the network says something
        worst = max(worst, float(np.abs(ours - theirs).max()))
    sys.stderr.write(f"\n{arc} x {channels} {' '.join(flags)} {tracks.row_offsets.tolist()}: {worst:.1e} m\n")
    return worst


@pytest.mark.parametrize("frames", [1, 100, 1000, 10_000])
def test_run_py_exports_what_we_lift(videopose3d: Path, frames: int) -> None:
    assert compare(videopose3d, tracks_of([frames]), "3,3,3,3,3", 1024) <= TOLERANCE_M


@pytest.mark.parametrize(("arc", "channels"), [("3,3,3", 256), ("3,3,3,3", 128), ("1", 64), ("5,3", 64)])
def test_other_architectures_agree(videopose3d: Path, arc: str, channels: int) -> None:
    assert compare(videopose3d, tracks_of([300]), arc, channels) <= TOLERANCE_M


def test_causal_networks_agree(videopose3d: Path) -> None:
    assert compare(videopose3d, tracks_of([300]), "3,3,3,3,3", 1024, "--causal") <= TOLERANCE_M


def test_trajectory_networks_agree(videopose3d: Path) -> None:
    assert compare(videopose3d, tracks_of([300]), "3,3,3,3,3", 1024, trajectory=True) <= TOLERANCE_M


def test_the_comparison_notices_a_difference(videopose3d: Path) -> None:
    """Without the mirrored half of its average, run.py gives something else."""
    assert compare(videopose3d, tracks_of([300]), "3,3,3", 256, theirs_alone=("--no-test-time-augmentation",)) > 0.01


def test_everyone_of_a_video_agrees(videopose3d: Path) -> None:
    assert compare(videopose3d, tracks_of([200, 90], starts=[0, 40]), "3,3,3", 256) <= TOLERANCE_M


def detections(frames: int, *, people: int = 2) -> Detections:
    """People side by side, the second with the higher score; nobody in every seventh frame."""
    walks = [random_keypoints(frames, seed=n) + np.array([400 * n, 0]) for n in range(people)]
    found = []
    for frame in range(frames):
        points = np.stack([walk[frame] for walk in walks]).astype(np.float32)
        boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        scores = np.linspace(0.8, 0.9, people, dtype=np.float32)
        here = People(boxes, scores, points, np.full((people, 17), 0.5, np.float32))
        found.append((frame, People.empty() if frame % 7 == 3 else here))
    return Detections.from_frames(found, start=0, stop=frames, detector="synthetic")


def prepared(videopose3d: Path, python: str, folder: Path) -> Path:
    """The dataset that prepare_data_2d_custom.py makes of a folder of Detectron files."""
    run([python, "prepare_data_2d_custom.py", "-i", folder, "-o", "theirs"], videopose3d / "data")
    return videopose3d / "data" / "data_2d_custom_theirs.npz"


@pytest.mark.parametrize("python", [sys.executable, pytest.param(NUMPY1, marks=needs_numpy1)], ids=["ours", "NumPy 1"])
def test_prepare_data_reads_our_detector_file_and_we_read_its_dataset(
    videopose3d: Path, tmp_path: Path, python: str
) -> None:
    found = detections(40)
    for video in ("clip.mp4", "other clip.mov"):
        write_detectron_file(tmp_path / "in" / f"{video}.npz", found, width_px=1280, height_px=720)
    dataset = prepared(videopose3d, python, tmp_path / "in")
    subjects = read_custom_dataset(dataset)
    assert sorted(subject.name for subject in subjects) == ["clip.mp4", "other clip.mov"]
    assert {(subject.width_px, subject.height_px) for subject in subjects} == {(1280, 720)}
    best = found.keypoints_px[1::2]
    seen = [frame for frame in range(40) if frame % 7 != 3]
    np.testing.assert_array_equal(subjects[0].keypoints_px[seen], best)
    middle = (subjects[0].keypoints_px[2] + subjects[0].keypoints_px[4]) / 2
    np.testing.assert_allclose(subjects[0].keypoints_px[3], middle, rtol=1e-5)
    assert len(load_keypoints(dataset, fps=30, subject="other clip.mov").tracks.frame_index) == 40


def test_run_py_lifts_what_prepare_data_made_of_our_detector_file(videopose3d: Path, tmp_path: Path) -> None:
    write_detectron_file(tmp_path / "in" / "clip.mp4.npz", detections(60), width_px=1280, height_px=720)
    prepared(videopose3d, sys.executable, tmp_path / "in").rename(videopose3d / "data" / "data_2d_custom_ours.npz")
    write_checkpoint(videopose3d / "checkpoint" / "random.bin", (3, 3, 3), 256)
    theirs = their_export(videopose3d, "clip.mp4", "3,3,3", 256)
    ours = our_poses(videopose3d)
    np.testing.assert_allclose(ours.joints_m, theirs, atol=TOLERANCE_M)


@needs_numpy1
@pytest.mark.parametrize("people", [0, 1, 2])
def test_we_read_what_infer_video_d2_writes(videopose3d: Path, tmp_path: Path, people: int) -> None:
    """Its own code, with a stand-in for Detectron2 that finds what we tell it to."""
    found = detections(9, people=max(people, 1))
    if not people:
        found = Detections.from_frames([(0, People.empty())], start=0, stop=9, detector="synthetic")
    told = {name: getattr(found, name) for name in ("frame_index", "boxes_px", "scores", "keypoints_px")}
    np.savez(tmp_path / "told.npz", frames=9, keypoint_scores=found.keypoint_scores, **told)
    driver = Path(__file__).with_name("run_infer_video_d2.py")
    run([NUMPY1, driver, videopose3d / "inference" / "infer_video_d2.py", "told.npz", "clip.mp4"], tmp_path)
    file = read_detectron_file(tmp_path / "clip.mp4.npz")
    assert (file.video, file.width_px, file.height_px) == ("clip.mp4", 1280, 720)
    for name, values in told.items():
        np.testing.assert_array_equal(getattr(file.detections, name), values)
    np.testing.assert_array_equal(file.detections.keypoint_scores, found.keypoint_scores)
    assert file.detections.frame_stop == 9
    if people:
        ours = tmp_path / "ours.npz"
        write_detectron_file(ours, found, width_px=1280, height_px=720)
        assert structure(ours) == structure(tmp_path / "clip.mp4.npz")


def structure(path: Path) -> Any:
    """Shapes and types of everything in it."""

    def of(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            inside = [of(item) for item in value.ravel()] if value.dtype.hasobject else None
            return value.shape, value.dtype, inside
        if isinstance(value, dict):
            return {key: of(item) for key, item in value.items()}
        return [of(item) for item in value] if isinstance(value, list) else type(value)

    content = np.load(path, allow_pickle=True)
    return {name: of(content[name]) for name in content.files}
