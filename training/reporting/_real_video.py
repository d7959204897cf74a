"""The model card's section on real video, from what `python -m benchmarks.real_accuracy` saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.reporting.markdown import table

_INTRODUCTION = """\
`python -m benchmarks.real_accuracy`: the whole pipeline (BlazePose, tracking, these weights) on 100 frames from each of
four calibrated cameras, `two_people_*`, against a reference from several cameras (which:
`benchmarks/ground_truth/truth.py`); 12 limb joints, per-frame similarity (P) or scale (N) alignment, millimetres."""

_MISSING = "–"


def real_video_section(measured: Mapping[str, Any] | None) -> str:
    """Text and table; says so where nothing was measured."""
    if measured is None:
        return "Not measured for these weights (`python -m benchmarks.real_accuracy --checkpoint PATH`)."
    mean, baseline = measured["mean"], measured["baseline"]
    headings = ["view, person", "found in", "P-MPJPE", "N-MPJPE"]
    rows = [
        [f"{one['view']}, {one['person']}", _share(one["coverage"]), *_errors(one["errors"])]
        for one in measured["people"]
    ]
    last = ["**mean**", *(f"**{cell}**" for cell in (_share(mean["coverage"]), *_errors(mean)))]
    if baseline is None:
        return f"{_INTRODUCTION}\n\n{table(headings, [*rows, last])}"
    headings += ["MediaPipe found in", "MediaPipe P"]
    for row, one in zip(rows, measured["people"], strict=True):
        row += [_share(one["baseline_coverage"]), _errors(one["baseline"])[0]]
    last += ["", f"**{_millimetres(baseline['mediapipe_p_mpjpe_mm'])}**"]
    compared = (
        "MediaPipe: its own world landmarks, the baseline a user would otherwise have. On the frames in which both\n"
        f"found somebody: P-MPJPE {_millimetres(baseline['p_mpjpe_mm'])} mm against {last[-1].strip('*')} mm, "
        f"{100 * baseline['p_mpjpe_less']:.0f} % less."
    )
    return f"{_INTRODUCTION}\n\n{table(headings, [*rows, last])}\n\n{compared}"


def _errors(errors: Mapping[str, float | None] | None) -> list[str]:
    return [_millimetres(errors[f"{name}_mpjpe_mm"] if errors else None) for name in ("p", "n")]


def _millimetres(value: float | None) -> str:
    return _MISSING if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return _MISSING if value is None else f"{100 * value:.0f} %"
