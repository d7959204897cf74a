"""Measure a checkpoint and write its model card: `python -m training.reporting.card [--checkpoint PATH] [--out DIR]`.

Writes figures.json and, from it and model_card.template.md alone, MODEL_CARD.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import Any

from liftline.files.atomic import write_bytes, write_json
from liftline_lifter.lifting.checkpoint import bundled_checkpoint_path, load_checkpoint
from training.augmentation.sequence_noise import Noise
from training.evaluate import HDM_MEAN, KEYPOINTS, Conditions, evaluate_both, figures_of, window_scores
from training.motion.data import HELD_OUT_CMU, default_mocap_path
from training.reporting._angles import angle_sections
from training.reporting._real_video import real_video_section
from training.reporting.clip_angles import clip_angles
from training.reporting.markdown import table
from training.reporting.postures import posture_errors, posture_figures
from training.samples.mannequins import everybody, gated
from training.scoring import Score

FIGURES_FILE, CARD_FILE = "figures.json", "MODEL_CARD.md"
FOCAL_ERROR = 1.25

FIRST_TRY_MM = {HDM_MEAN: (113, 74), HELD_OUT_CMU: (89, 56)}
"""MPJPE and P-MPJPE of the 14-minute try in shared/data/README.md."""

_TEMPLATE = Path(__file__).with_name("model_card.template.md")
_TEMPLATE_17 = Path(__file__).with_name("model_card_17.template.md")
"""Of weights that read and give seventeen points."""

Figures = dict[str, Any]


def measure(checkpoint_path: Path, mocap: Path) -> Figures:
    """Every figure of the card but those on real video."""
    checkpoint = load_checkpoint(checkpoint_path)
    variants = {"no_flip": Conditions(flip=False), "focal_error": Conditions(focal_error=FOCAL_ERROR)}
    figures = figures_of(checkpoint, Conditions(), evaluate_both(checkpoint, mocap, Conditions()))
    if checkpoint.reads_scores:
        variants["feet_and_hands"] = Conditions(feet_and_hands=True)
        clips = clip_angles(checkpoint, mocap, Noise.WHITE)
        figures["clips"] = {group: {name: asdict(one) for name, one in own.items()} for group, own in clips.items()}
        figures["postures"] = posture_figures(posture_errors(checkpoint, everybody()))
        figures["gated_postures"] = posture_figures(posture_errors(checkpoint, gated()))
    return figures | {
        "file": {"name": checkpoint_path.name, "bytes": checkpoint_path.stat().st_size},
        **{name: _plain(window_scores(checkpoint, mocap, conditions)) for name, conditions in variants.items()},
    }


def _plain(scores: dict[str, Score]) -> dict[str, Any]:
    return {subject: asdict(score) for subject, score in scores.items()}


def render(figures: Figures) -> str:
    """The model card; the same figures always give the same text."""
    checkpoint = figures["checkpoint"]
    values = checkpoint | {
        "file": figures["file"]["name"],
        "megabytes": round(figures["file"]["bytes"] / 1e6),
        "parameters": f"{checkpoint['parameters'] / 1e6:.1f}",
        "filter_widths": ",".join(map(str, checkpoint["filter_widths"])),
        "each_side": checkpoint["receptive_field"] // 2,
        "rate_hz": f"{checkpoint['rate_hz']:g}",
        "windows_per_subject": f"{checkpoint['windows_per_subject']:,}",
        "subjects_table": _subjects(figures),
        "first_try": _first_try(figures),
        "motion_table": _motion(figures),
        "joints_table": _joints(figures),
        "actions_table": _actions(figures),
        "real_video": real_video_section(figures.get("real_video")),
    }
    if not checkpoint.get("reads_scores", False):
        return Template(_TEMPLATE_17.read_text("utf-8")).substitute(values)
    values |= angle_sections(figures)
    return Template(_TEMPLATE.read_text("utf-8")).substitute(values)


def _subjects(figures: Figures) -> str:
    def row(title: str, score: dict[str, float], *, bold: bool = False) -> list[str]:
        cells = [title, *(f"{score[f'{measure}_mm']:.1f}" for measure in ("mpjpe", "p_mpjpe", "n_mpjpe"))]
        return [f"**{cell}**" for cell in cells] if bold else cells

    simulated, clean = figures["simulated"]["subjects"], figures["clean"]["subjects"]
    actors = [subject for subject in simulated if subject not in (HDM_MEAN, HELD_OUT_CMU)]
    rows = [row(_title(subject), simulated[subject]) for subject in actors]
    rows += [row(_title(subject), simulated[subject], bold=True) for subject in (HDM_MEAN, HELD_OUT_CMU)]
    rows += [row(f"{_title(subject)}, clean keypoints", clean[subject]) for subject in (HDM_MEAN, HELD_OUT_CMU)]
    without, longer = figures["no_flip"][HDM_MEAN], figures["focal_error"][HDM_MEAN]
    rows.append(row("HDM05 mean, no mirror averaging (`--no-flip`)", without))
    focal = f"focal length assumed {FOCAL_ERROR - 1:.0%} too long (`--focal-error {FOCAL_ERROR}`)".replace("%", " %")
    rows.append(row(f"HDM05 mean, {focal}", longer))
    return table(["subject", "MPJPE", "P-MPJPE", "N-MPJPE"], rows)


def _first_try(figures: Figures) -> str:
    rows = []
    for group, tried_mm in FIRST_TRY_MM.items():
        score = figures["simulated"]["subjects"][group]
        now_mm = score["mpjpe_mm"], score["p_mpjpe_mm"]
        less = (f"{100 * (1 - now / tried):.0f} %" for now, tried in zip(now_mm, tried_mm, strict=True))
        rows.append([_title(group), " / ".join(map(str, tried_mm)), " / ".join(less)])
    heading = "first try (27 frames, 384 channels, 14 minutes; no focal length), MPJPE / P-MPJPE"
    return table(["simulated detections", heading, "these weights are below by"], rows)


def _motion(figures: Figures) -> str:
    rows = [
        [f"{_title(group)}, {label}", *(f"{value:.2f}" for value in figures[key]["motion"][group].values())]
        for key, label in KEYPOINTS.items()
        for group in (HDM_MEAN, HELD_OUT_CMU)
    ]
    return table(["subject", "MPJVE, mm/frame", "acceleration, mm/frame²", "m/s²"], rows)


def _joints(figures: Figures) -> str:
    joints = figures["simulated"]["joints"]
    rows = [
        [
            name.replace("_", " "),
            *(f"{value:.1f}" for group in (HDM_MEAN, HELD_OUT_CMU) for value in joints[group][name].values()),
        ]
        for name in joints[HDM_MEAN]
    ]
    return table(["joint", "HDM05 MPJPE", "HDM05 P", "CMU 02 MPJPE", "CMU 02 P"], rows)


def _actions(figures: Figures) -> str:
    rows = [
        [
            f"{_title(group).split(',')[0]}: {name}",
            *(f"{value:.1f}" for value in own["score"].values()),
            str(own["windows"]),
        ]
        for group in (HDM_MEAN, HELD_OUT_CMU)
        for name, own in figures["simulated"]["actions"][group].items()
    ]
    return table(["action", "MPJPE", "P-MPJPE", "N-MPJPE", "windows"], rows)


def _title(subject: str) -> str:
    """`hdm_bd` -> `HDM05 bd`."""
    if subject == HDM_MEAN:
        return "HDM05, mean of the actors"
    return subject.replace("hdm_", "HDM05 ").replace("cmu_", "CMU ")


def with_real_video(figures: Figures, path: Path) -> Figures:
    """The figures and, with them, what `python -m benchmarks.real_accuracy` saved.

    Raises:
        ValueError: that was measured with other weights.
    """
    measured = json.loads(path.read_text("utf-8"))
    if measured.get("checkpoint") != figures["checkpoint"]["sha256"]:
        raise ValueError(f"{path}: measured with the weights {measured.get('checkpoint')}, not these; measure again")
    return figures | {"real_video": measured}


def write(figures: Figures, out: Path) -> None:
    """Write both files."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / FIGURES_FILE, figures)
    write_bytes(out / CARD_FILE, render(figures).encode())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=bundled_checkpoint_path())
    parser.add_argument("--mocap", type=Path, default=default_mocap_path())
    parser.add_argument("--real-video", type=Path, help="what `python -m benchmarks.real_accuracy` saved")
    parser.add_argument("--figures", type=Path, help="figures.json of an earlier run: nothing is measured again")
    parser.add_argument("--out", type=Path, help="folder (default: the checkpoint's)")
    args = parser.parse_args()
    if args.figures:
        figures: Figures = json.loads(args.figures.read_text("utf-8"))
    else:
        figures = measure(args.checkpoint, args.mocap)
    if args.real_video:
        figures = with_real_video(figures, args.real_video)
    out = args.out or args.checkpoint.parent
    write(figures, out)
    print(f"{out / FIGURES_FILE}\n{out / CARD_FILE}")


if __name__ == "__main__":
    main()
