"""`liftline kinematics`: OpenSim's scaling and inverse kinematics of TRC files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liftline_cli.console.session import session
from liftline_cli.options.common import AsJson, Verbose


def kinematics(
    trc: Annotated[
        list[Path],
        typer.Argument(metavar="FILE.trc...", help="From `--export trc`, one per person.", show_default=False),
    ],
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="Where to write. [default: beside each file]")
    ] = None,
    height_m: Annotated[
        float, typer.Option("--height", metavar="M", min=0.4, max=2.8, help="The model's height.")
    ] = 1.75,
    mass_kg: Annotated[float, typer.Option("--mass", metavar="KG", min=2, max=650, help="The model's mass.")] = 70.0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Scale Pose2Sim's OpenSim model to each person and fit it: `<name>_ik.mot` and `<name>.osim` (extra `opensim`)."""
    with session(as_json=as_json, verbose=verbose) as current:
        from liftline.exports.biomechanics.opensim_ik import opensim_kinematics
        from liftline_cli.console.session import closing

        for path in trc:
            done = opensim_kinematics(path, output_dir or path.parent, height_m=height_m, mass_kg=mass_kg)
            rms_mm = round(1000 * done.marker_rms_m, 1)
            told = {"frames": done.frames, "columns": done.columns, "marker_rms_mm": rms_mm}
            current.reporter.console.print(f"{path.name}: {_words(told)}", highlight=False, markup=False)
            closing(current, told, {"motion": done.motion, "model": done.model})


def _words(told: dict[str, float]) -> str:
    frames, columns, rms = told["frames"], told["columns"], told["marker_rms_mm"]
    return f"{frames} frames, {columns} columns, the model's markers are {rms:g} mm (RMS) from the file's"
