"""`process_video.py`: the original script's command line, as a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from liftline import poses as poses_file
from liftline_lifter.lifting.network import TemporalModel
from tests.support import Liftline

SCRIPT = Path(__file__).resolve().parents[2] / "process_video.py"
DEFAULT_CHECKPOINT = "pretrained_h36m_detectron_coco.bin"

without_detectron2 = pytest.mark.skipif(
    importlib.util.find_spec("detectron2") is not None, reason="Detectron2 is installed: minutes on a CPU"
)


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The script with `folder` as its working directory."""
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)


def write_videopose3d_checkpoint(path: Path) -> None:
    """A small random network in VideoPose3D's file format."""
    torch.manual_seed(0)
    network = TemporalModel((3, 3), 8)
    torch.save({"epoch": 80, "lr": 0.001, "random_state": None, "model_pos": network.state_dict()}, path)


@without_detectron2
def test_the_original_tree_is_filled_and_what_is_used_instead_is_said(clip: Path, tmp_path: Path) -> None:
    done = run(tmp_path, clip)
    assert done.returncode == 0, done.stderr
    assert "Detectron2 isn't installed here, so BlazePose" in done.stderr
    assert "bundled lifter" in done.stderr
    outputs = tmp_path / "outputs"
    assert {"detectron_output", "custom_data", "output_videos"} <= {path.name for path in outputs.iterdir()}
    assert (outputs / "output_videos" / "walk.mp4").exists()
    assert "outputs/output_videos/walk.mp4" in done.stderr


@without_detectron2
def test_its_checkpoint_is_found_beside_and_lifts_as_the_original_does(
    clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    write_videopose3d_checkpoint(tmp_path / DEFAULT_CHECKPOINT)
    done = run(tmp_path, clip, "--output-dir", "out")
    assert done.returncode == 0, done.stderr
    assert "bundled lifter" not in done.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["models"][1]["source"] == DEFAULT_CHECKPOINT
    lifted = liftline(
        *("lift", tmp_path / "out" / "custom_data" / "tracks_walk.npz", "--output", tmp_path / "p.npz"),
        *("--checkpoint", tmp_path / DEFAULT_CHECKPOINT, "--native-rate", "--smooth", "none"),
        *("--no-repair-sides", "--no-reject-outliers", "--no-constant-bones", "--no-lock-feet", "--no-common-floor"),
    )
    assert lifted.exit_code == 0, lifted.stderr
    theirs, ours = poses_file.load(tmp_path / "p.npz"), poses_file.load(tmp_path / "out" / "poses_3d" / "walk.npz")
    np.testing.assert_allclose(ours.joints_m, theirs.joints_m, atol=1e-5)


@pytest.mark.parametrize("name", ["gone.mp4", "."])
def test_a_missing_video_is_a_message_before_anything_else(name: str, tmp_path: Path) -> None:
    done = run(tmp_path, name)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1, done.stderr
    assert name in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_is_named_and_missing_is_exit_code_4(clip: Path, tmp_path: Path) -> None:
    done = run(tmp_path, clip, "--checkpoint", "mine.bin")
    assert done.returncode == 4
    assert "mine.bin" in done.stderr
    assert list(tmp_path.iterdir()) == []


@without_detectron2
def test_a_step_that_fails_stops_the_run_with_details(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(b"no checkpoint")
    done = run(tmp_path, clip, "--checkpoint", "mine.bin")
    assert done.returncode == 4
    assert "mine.bin" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "outputs" / "output_videos").exists()


def test_wrong_arguments_are_exit_code_2(tmp_path: Path) -> None:
    done = run(tmp_path, "clip.mp4", "--no-such-option")
    assert done.returncode == 2
    assert "usage" in done.stderr
