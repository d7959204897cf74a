"""The model card says what was measured, and nothing else."""

from __future__ import annotations

import copy
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from liftline.kinematics.angles import JOINT_ANGLES
from liftline_lifter.lifting.checkpoint import bundled_checkpoint_path, load_checkpoint
from training._run import Run, Settings
from training.evaluate import HDM_MEAN, KEYPOINTS, Conditions, evaluate, figures_of
from training.export import export
from training.reporting.card import CARD_FILE, FIGURES_FILE, Figures, main, render, with_real_video, write
from training.reporting.postures import posture_errors
from training.samples.mannequins import POSTURES, gated

TINY = Settings(filter_widths=(3, 3), channels=16, steps=1)
REAL_VIDEO = {
    "mean": {"coverage": 0.955, "p_mpjpe_mm": 61.04, "n_mpjpe_mm": 90.0},
    "baseline": None,
    "people": [
        {
            "view": "cam01", "person": "person1", "coverage": 1.0, "baseline_coverage": 0.88,
            "errors": {"p_mpjpe_mm": 50.26, "n_mpjpe_mm": 80.1}, "baseline": {"p_mpjpe_mm": 99.9, "n_mpjpe_mm": 120.0},
        },
        {
            "view": "cam02", "person": "person1", "coverage": 0.0, "baseline_coverage": None,
            "errors": {"p_mpjpe_mm": None, "n_mpjpe_mm": None}, "baseline": None,
        },
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def figures(mocap: Path, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """Of a network that has learned nothing, on few windows."""
    torch.manual_seed(0)
    weights = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    export(Run.start(TINY), weights, machine="a test")
    checkpoint = load_checkpoint(weights)
    evaluations = {
        name: evaluate(checkpoint, mocap, Conditions(noisy=name == "simulated"), count=30, runs=2) for name in KEYPOINTS
    }
    scores = {subject: asdict(score) for subject, score in evaluations["clean"].subjects.items()}
    return figures_of(checkpoint, Conditions(), evaluations) | {
        "file": {"name": weights.name, "bytes": weights.stat().st_size}, "no_flip": scores, "focal_error": scores,
        "feet_and_hands": scores, "clips": asdict(evaluations["simulated"])["angles"],
        "postures": {name: {"knee": {"mean_deg": 4.04, "worst_yaw_deg": 9.06, "worst_yaw": 30}} for name in POSTURES},
    }  # fmt: skip


def rows(card: str) -> dict[str, list[str]]:
    """The cells of every table's rows by their first one."""
    lines = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    return {cells[0].strip("*"): [cell.strip("*") for cell in cells[1:]] for cells in lines}


def test_the_card_names_the_file_and_how_it_was_made(figures: Figures) -> None:
    card = render(figures)
    assert figures["checkpoint"]["sha256"] in rows(card)["file"][0]
    assert "receptive field 9 frames (4 each side)" in rows(card)["network"][0]
    assert "on a test, seed 1; CMU motion capture" in rows(card)["made by"][0]
    assert "mocap.cs.cmu.edu" in card
    assert "NSF\n> EIA-0196217" in card
    assert "Nothing of HDM05 (CC BY-SA 3.0) is in" in card
    assert re.search(r"\$|None|nan", card) is None


def test_every_table_shows_the_measured_figures(figures: Figures) -> None:
    card = rows(render(figures))
    score = figures["simulated"]["subjects"]["hdm_tr"]
    assert card["HDM05 tr"] == [f"{value:.1f}" for value in score.values()]
    assert len(card["HDM05: walk"]) == 4
    assert float(card["left wrist"][0]) == pytest.approx(
        figures["simulated"]["joints"][HDM_MEAN]["left_wrist"]["mpjpe_mm"], abs=0.05
    )
    assert float(card["CMU 02, clean keypoints"][2]) > 0


def test_angles_and_postures_stand_in_the_card(figures: Figures) -> None:
    card = rows(render(figures))
    assert card["handstand"] == ["4.0 / 9.1"]
    windows = figures["simulated"]["angles"][HDM_MEAN]
    mae = np.mean([windows[angle.name]["mae_deg"] for angle in JOINT_ANGLES])
    assert card["mean of eight"][0].startswith(f"{mae:.1f} / ")
    assert len(card["mean of eight"]) == 4
    assert "maxxgx/motion-graphs" in render(figures)


def test_the_first_try_is_compared_by_what_is_published_of_it(figures: Figures) -> None:
    figures = copy.deepcopy(figures)
    figures["simulated"]["subjects"][HDM_MEAN] |= {"mpjpe_mm": 56.5, "p_mpjpe_mm": 37.0}
    card = render(figures)
    assert "| HDM05, mean of the actors | 113 / 74 | 50 % / 50 % |" in card


def test_real_video_is_shown_as_far_as_it_was_measured(figures: Figures) -> None:
    assert "Not measured for these weights" in render(figures)
    card = rows(render(figures | {"real_video": REAL_VIDEO}))
    assert card["cam01, person1"] == ["100 %", "50.3", "80.1"]
    assert card["cam02, person1"] == ["0 %", "–", "–"]
    assert card["mean"][1:] == ["61.0", "90.0"]


def test_mediapipe_stands_beside_where_it_was_measured(figures: Figures) -> None:
    baseline = {"p_mpjpe_mm": 62.0, "mediapipe_p_mpjpe_mm": 100.0, "p_mpjpe_less": 0.38, "n_mpjpe_less": 0.3}
    card = render(figures | {"real_video": REAL_VIDEO | {"baseline": baseline}})
    assert rows(card)["cam01, person1"][-2:] == ["88 %", "99.9"]
    assert rows(card)["cam02, person1"][-2:] == ["–", "–"]
    assert "P-MPJPE 62.0 mm against 100.0 mm, 38 % less." in card


def test_a_card_is_written_anew_from_saved_figures(
    figures: Figures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(figures, tmp_path / "first")
    measured = REAL_VIDEO | {"checkpoint": figures["checkpoint"]["sha256"]}
    (tmp_path / "real.json").write_text(json.dumps(measured))
    saved = str(tmp_path / "first" / FIGURES_FILE)
    options = ["--figures", saved, "--real-video", str(tmp_path / "real.json"), "--out", str(tmp_path / "second")]
    monkeypatch.setattr(sys, "argv", ["card", *options])
    main()
    again = (tmp_path / "second" / CARD_FILE).read_text("utf-8")
    assert again == render(figures | {"real_video": REAL_VIDEO})
    assert str(tmp_path / "second" / CARD_FILE) in capsys.readouterr().out


def test_what_other_weights_did_on_real_video_is_refused(figures: Figures, tmp_path: Path) -> None:
    path = tmp_path / "real.json"
    path.write_text(json.dumps(REAL_VIDEO | {"checkpoint": "0" * 64}))
    with pytest.raises(ValueError, match=r"real\.json: measured with the weights 0+, not these"):
        with_real_video(figures, path)


def test_the_shipped_card_is_what_the_shipped_figures_give() -> None:
    folder = bundled_checkpoint_path().parent
    figures = json.loads((folder / FIGURES_FILE).read_text("utf-8"))
    assert figures["checkpoint"]["sha256"] == load_checkpoint(bundled_checkpoint_path()).sha256
    assert (folder / CARD_FILE).read_text("utf-8") == render(figures)


def test_synthetic_postures_come_out_as_well_as_the_shipped_figures_say() -> None:
    """Within a degree, everywhere: what a change of weights, lifting or smoothing does to angles shows here."""
    figures = json.loads((bundled_checkpoint_path().parent / FIGURES_FILE).read_text("utf-8"))["gated_postures"]
    errors = posture_errors(load_checkpoint(bundled_checkpoint_path()), gated())
    assert set(errors) == set(figures)
    for posture, own in errors.items():
        for part, error in own.items():
            published = figures[posture][part]
            assert error.mean_deg == pytest.approx(published["mean_deg"], abs=1), (posture, part)
            assert error.worst_yaw_deg == pytest.approx(published["worst_yaw_deg"], abs=1), (posture, part)
