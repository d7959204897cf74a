"""Pictures are drawn of what is in the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from liftline.skeletons import H36M17
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.network import TemporalModel
from liftline_lifter.lifting.normalise import Normalisation

pytest.importorskip("matplotlib", reason="matplotlib comes with the extra `bench`")
plots = pytest.importorskip("training.reporting.plots")


def colours(picture: Path) -> set[tuple[int, ...]]:
    image = Image.open(picture).convert("RGB")
    return {colour for _, colour in image.getcolors(image.width * image.height)}


def test_a_loss_that_is_said_twice_is_drawn_once(tmp_path: Path) -> None:
    lines = [
        {"step": step, "elapsed_s": 30 * step, "loss_mm": 400 / step, "learning_rate": 1e-3} for step in (1, 2, 3, 2, 3)
    ]
    for name, shown in (("once", lines[:3]), ("twice", lines)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, shown)) + "\n")
        plots.loss_curve(tmp_path / f"{name}.jsonl", tmp_path / f"{name}.png")
    assert (tmp_path / "once.png").read_bytes() == (tmp_path / "twice.png").read_bytes()
    assert (214, 39, 40) in colours(tmp_path / "once.png")


def test_bars_are_as_long_as_the_errors(tmp_path: Path) -> None:
    pictures = []
    for error in (50.0, 51.0):
        joints = {joint: {"mpjpe_mm": 70.0, "p_mpjpe_mm": 40.0} for joint in H36M17.joints}
        joints["left_wrist"] = {"mpjpe_mm": error, "p_mpjpe_mm": 30.0}
        groups = {"joints": {"hdm_* mean": joints, "cmu_02": joints}}
        plots.joint_errors({"simulated": groups, "clean": groups}, tmp_path / "joints.png")
        pictures.append((tmp_path / "joints.png").read_bytes())
    assert pictures[0] != pictures[1]


def test_a_contact_sheet_shows_windows_of_every_subject(mocap: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = TemporalModel((3, 3), 16, dropout=0.0).eval()
    checkpoint = LifterCheckpoint(model, None, Normalisation.PERSON, 50.0, "untrained", "", "MIT")
    plots.contact_sheet(checkpoint, mocap, tmp_path / "poses.png")
    assert {(214, 39, 40), (127, 127, 127), (0, 0, 0)} <= colours(tmp_path / "poses.png")
