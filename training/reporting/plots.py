"""Pictures of a run: the loss over time, the errors of joints, and lifted windows beside the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from liftline.pose_errors import p_mpjpe
from liftline.skeletons import COCO17, H36M17, Skeleton
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES
from training.evaluate import KEYPOINTS
from training.motion.bones import to_bones
from training.motion.data import held_out_split, load_motion
from training.predict import predict
from training.samples.held_out import held_out_windows

_DPI = 110
_TRUTH, _LIFTED = "tab:gray", "tab:red"
_RANKS = (0.1, 0.5, 0.9)
"""Which windows of a subject are shown: a good one, the middle one, a bad one by P-MPJPE."""
_SHOWN_PER_SUBJECT = 300


def loss_curve(log: Path, picture: Path) -> None:
    """The loss of a training log (JSON lines) over time, and the learning rate."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    by_step = {line["step"]: line for line in lines}  # a run that went on says some steps twice
    minutes = [line["elapsed_s"] / 60 for line in by_step.values()]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    losses = figure.subplots()
    losses.plot(minutes, [line["loss_mm"] for line in by_step.values()], color=_LIFTED)
    losses.set(xlabel="minutes", ylabel="MPJPE in training, mm", yscale="log")
    losses.yaxis.set_major_formatter("{x:.0f}")
    losses.yaxis.set_minor_formatter("{x:.0f}")
    rates = losses.twinx()
    rates.plot(minutes, [line["learning_rate"] for line in by_step.values()], color=_TRUTH, linewidth=1)
    rates.set(ylabel="learning rate", ylim=(0, None))
    losses.grid(visible=True, which="both", alpha=0.3)
    _save(figure, picture)


def joint_errors(figures: Mapping[str, Any], picture: Path) -> None:
    """Bars per joint, from the evaluation's figures, for simulated detections and for clean keypoints."""
    groups = figures["simulated"]["joints"]
    figure = Figure(figsize=(5 * len(groups), 6), layout="constrained")
    rows = figure.subplots(1, len(groups), sharey=True, sharex=True, squeeze=False)[0]
    for axes, group in zip(rows, groups, strict=True):
        for number, (name, label) in enumerate(KEYPOINTS.items()):
            joints = figures[name]["joints"][group]
            at = np.arange(len(joints)) + 0.4 * number
            errors = {m: [joint[f"{m}_mm"] for joint in joints.values()] for m in ("mpjpe", "p_mpjpe")}
            axes.barh(at, errors["mpjpe"], 0.4, color=f"C{number}", alpha=0.4, label=f"MPJPE, {label}")
            axes.barh(at, errors["p_mpjpe"], 0.25, color=f"C{number}", label=f"P-MPJPE, {label}")
        axes.set(title=group, xlabel="mm", yticks=np.arange(len(H36M17)) + 0.2, yticklabels=H36M17.joints)
        axes.grid(visible=True, axis="x", alpha=0.3)
    rows[0].invert_yaxis()
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    _save(figure, picture)


def contact_sheet(checkpoint: LifterCheckpoint, mocap: Path, picture: Path) -> None:
    """Per held-out subject three windows: the keypoints seen, and the lifted pose on the truth from front and side."""
    motion = held_out_split(load_motion(mocap))
    frames = checkpoint.pose_model.receptive_field
    windows = held_out_windows(to_bones(motion), motion, frames, noisy=True, count=_SHOWN_PER_SUBJECT)
    figure = Figure(figsize=(2 * 3 * len(_RANKS), 2.4 * len(windows)), layout="constrained")
    figure.suptitle(
        "black: detected keypoints, gray: truth, red: lifted; a good, a middling and a bad window by P-MPJPE"
    )
    rows = figure.subplots(len(windows), 3 * len(_RANKS), squeeze=False)
    for row, (subject, own) in zip(rows, windows.items(), strict=True):
        seen = own.windows.rays[:, frames // 2 + SMOOTHING_FRAMES, : len(COCO17)]
        lifted_m, wanted_m = (
            poses[:, : len(H36M17)] for poses in (predict(checkpoint, own.windows.rays), own.windows.poses_m[:, 0])
        )
        errors = 1000 * p_mpjpe(lifted_m, wanted_m)
        order = np.argsort(errors)
        for number, rank in enumerate(_RANKS):
            at = order[int(rank * (len(order) - 1))]
            title = f"{subject}, {own.actions[at]}: {errors[at]:.0f} mm"
            _draw_window(row[3 * number : 3 * number + 3], seen[at], lifted_m[at], wanted_m[at], title)
    _save(figure, picture)


def _draw_window(
    axes: Sequence[Axes], seen: NDArray[np.float32], lifted_m: NDArray[np.float32], wanted_m: NDArray[np.float32],
    title: str,
) -> None:  # fmt: skip
    _draw(axes[0], COCO17, seen, "black")
    axes[0].set_title(title, fontsize="small", loc="left")
    for view, columns in zip(axes[1:], ((0, 1), (2, 1)), strict=True):
        _draw(view, H36M17, wanted_m[:, columns], _TRUTH)
        _draw(view, H36M17, lifted_m[:, columns], _LIFTED)
    for view, name in zip(axes[1:], ("from the camera", "from the side"), strict=True):
        view.set_title(name, fontsize="small")


def _draw(axes: Axes, skeleton: Skeleton, points: NDArray[np.float32], color: str) -> None:
    """(J, 2) points, y down."""
    for edge in skeleton.edges:
        axes.plot(*points[list(edge)].T, color=color, linewidth=1.5)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])
    if not axes.yaxis_inverted():
        axes.invert_yaxis()


def _save(figure: Figure, picture: Path) -> None:
    FigureCanvasAgg(figure)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=_DPI)
