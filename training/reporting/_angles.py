"""What the model card says of joint angles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liftline.kinematics.angles import AngleError, mean_of_eight
from training.motion.data import HELD_OUT_CMU
from training.reporting.markdown import table

_HDM = "hdm_* mean"
_MEAN = "mean of eight"


def angle_sections(figures: Mapping[str, Any]) -> dict[str, str]:
    """The template's values: tables of angles and postures, and what feet and hands change."""
    score = figures["feet_and_hands"][HELD_OUT_CMU]
    return {
        "angles_table": _angles(figures["simulated"]["angles"], figures["clips"]),
        "postures_table": _postures(figures["postures"]),
        "feet_and_hands": f"MPJPE {score['mpjpe_mm']:.1f}, P-MPJPE {score['p_mpjpe_mm']:.1f} mm",
    }


def _angles(windows: Mapping[str, Any], clips: Mapping[str, Any]) -> str:
    columns = {}
    for group, title in ((_HDM, "HDM05"), (HELD_OUT_CMU, "CMU 02")):
        for measured, kind in ((windows, "windows"), (clips, "clips")):
            own = {name: AngleError(**one) for name, one in measured[group].items()}
            columns[f"{title}, {kind}"] = own | {_MEAN: mean_of_eight(own)}
    names = [*list(next(iter(columns.values())))]
    rows = [[name.replace("_", " "), *(_cell(own.get(name)) for own in columns.values())] for name in names]
    heading = "MAE / RMSE / bias / no offset / r"
    return table([f"{heading}, degrees", *columns], rows)


def _cell(one: AngleError | None) -> str:
    if one is None:
        return "–"
    degrees = f"{one.mae_deg:.1f} / {one.rmse_deg:.1f} / {one.bias_deg:+.1f} / {one.offset_free_deg:.1f}"
    return f"{degrees} / {one.correlation:.2f}"


def _postures(postures: Mapping[str, Any]) -> str:
    parts = list(next(iter(postures.values())))
    rows = [
        [posture, *(f"{own[part]['mean_deg']:.1f} / {own[part]['worst_yaw_deg']:.1f}" for part in parts)]
        for posture, own in postures.items()
    ]
    return table(["posture", *parts], rows)
