"""Pictures of joint angles over time, one per person: `<stem>_angles.png` and `.svg` (extra `plots`: matplotlib)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.exports._extras import needed
from liftline.exports._paths import person_path
from liftline.files.atomic import atomic_path
from liftline.kinematics.angle_table import AngleTable, angle_tables
from liftline.poses import Poses
from liftline.scene import Scene

_PANELS: tuple[tuple[str, str], ...] = (
    ("Hip flexion", "isb_hip_flexion_{}"), ("Knee flexion", "isb_knee_flexion_{}"),
    ("Hip adduction", "isb_hip_adduction_{}"), ("Ankle dorsiflexion", "isb_ankle_dorsiflexion_{}"),
    ("Shoulder elevation", "isb_shoulder_elevation_{}"), ("Elbow flexion", "isb_elbow_flexion_{}"),
    ("Trunk lean forward", "isb_trunk_lean_forward"), ("Trunk rotation", "isb_trunk_rotation"),
)  # fmt: skip
_COLOURS = {"right": "#d1495b", "left": "#00798c", "": "#444444"}
_SUFFIXES = (".png", ".svg")


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write each person's pictures. Raises UsageError where matplotlib isn't installed."""
    figure_class = needed("angle-plots", "figure").Figure
    with needed("angle-plots").rc_context({"svg.hashsalt": base.stem}):
        return [path for table in angle_tables(poses, scene) for path in _draw(table, base, figure_class)]


def _draw(table: AngleTable, base: Path, figure_class: Any) -> list[Path]:
    figure = figure_class(figsize=(11, 11), layout="constrained")
    figure.suptitle(f"{base.stem}: person {table.person.track_id}, joint angles in degrees (dashed: interpolated)")
    for axes, (title, name) in zip(figure.subplots(4, 2, sharex=True).ravel(), _PANELS, strict=True):
        for side in ("right", "left") if "{}" in name else ("",):
            _draw_angle(axes, table, name.format(side), side)
        if not axes.lines:
            axes.text(0.5, 0.5, "not determined", ha="center", va="center", transform=axes.transAxes, color="#888888")
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(alpha=0.3)
    for axes in figure.axes[-2:]:
        axes.set_xlabel("time / s")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=2, fontsize=9)
    return [_save(figure, person_path(base, table.person.position, f"_angles{suffix}")) for suffix in _SUFFIXES]


def _draw_angle(axes: Any, table: AngleTable, name: str, side: str) -> None:
    degrees, times_s, observed = table[name], table.person.times_s, table.person.observed
    if np.isnan(degrees).all():
        return
    solid = np.where(observed, degrees, np.nan)
    dashed = np.where(_beside_gaps(observed), degrees, np.nan)
    axes.plot(times_s, solid, color=_COLOURS[side], linewidth=1.4, label=side or None)
    axes.plot(times_s, dashed, color=_COLOURS[side], linewidth=1.2, linestyle=(0, (3, 2)))


def _beside_gaps(observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,) interpolated frames and their neighbours, so that dashes meet the line."""
    gaps = ~observed
    wider = gaps.copy()
    wider[1:] |= gaps[:-1]
    wider[:-1] |= gaps[1:]
    return np.asarray(wider, np.bool_)


def _save(figure: Any, path: Path) -> Path:
    """Equal angles give equal files: neither date nor random names in them."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(file, format=path.suffix[1:], dpi=110, metadata=metadata)
    return path
