"""OpenSim kinematics of a TRC: Pose2Sim's model scaled to the person, its coordinates in every frame (extra `opensim`).

Scaling and inverse kinematics are Pose2Sim's own functions on its own model (Pagnon et al., JOSS 2022; OpenSim: Seth et
al., PLOS Comput. Biol. 2018).
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from liftline.errors import InvalidInputError, LiftlineError, UsageError
from liftline.exports.trc_markers import column_lines
from liftline.files.atomic import atomic_path

LONGEST_S = 3600.0
_CHILD = Path(__file__).with_name("_opensim_child.py")
_NEEDED = {"Hip", "RHip", "LHip", "RKnee", "LKnee", "RShoulder", "LShoulder"}
_LAST_WORDS = 800


@dataclass(frozen=True)
class Kinematics:
    """motion: `<stem>_ik.mot`, OpenSim coordinates over time; model: `<stem>.osim`, scaled; marker_rms_m: how far the
    model's markers are from the file's, over all frames and markers."""

    motion: Path
    model: Path
    marker_rms_m: float
    frames: int
    columns: int


def opensim_kinematics(
    trc: Path, folder: Path, *, height_m: float = 1.75, mass_kg: float = 70.0, longest_s: float = LONGEST_S
) -> Kinematics:
    """Scale and fit. Height and mass are the model's; its lengths come from the markers.

    Raises:
        UsageError: OpenSim or Pose2Sim isn't installed.
        InvalidInputError: the file isn't a TRC with HALPE_26's names.
        LiftlineError: OpenSim failed, or took longer than `longest_s`.
    """
    for package in ("opensim", "Pose2Sim"):
        if find_spec(package) is None:
            raise UsageError(f"OpenSim kinematics need {package}: pip install 'liftline[opensim]'.")
    usable = _usable(trc)
    with TemporaryDirectory(prefix="liftline-opensim-") as name:
        work = Path(name)
        (work / trc.name).write_text(usable, "utf-8")
        _run(work / trc.name, work, height_m, mass_kg, longest_s)
        motion, model = folder / f"{trc.stem}_ik.mot", folder / f"{trc.stem}.osim"
        for made, path in ((work / f"{trc.stem}.mot", motion), (work / f"{trc.stem}.osim", model)):
            if not made.exists():
                raise LiftlineError(f"{trc}: OpenSim ended without an error, but wrote no {path.name}.")
            with atomic_path(path) as temporary:
                temporary.write_bytes(made.read_bytes())
        rms = _marker_rms_m(next(work.glob("*ik_marker_errors.sto"), None))
    names, rows = _table(motion)
    return Kinematics(motion, model, rms, len(rows), len(names))


def _usable(trc: Path) -> str:
    """The file without markers that are empty throughout, which Pose2Sim's scaling can't take, and no others."""
    try:
        lines = trc.read_text("utf-8").splitlines()
        names = lines[3].rstrip("\t").split("\t")[2::3] if lines[0].startswith("PathFileType") else None
        rows = [line.split("\t") for line in lines[5:] if line.strip() and not line.startswith("\t")]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise InvalidInputError(f"{trc}: not a readable TRC file ({error}).") from error
    if names is None:
        raise InvalidInputError(f"{trc}: not a TRC file: its first line doesn't begin with PathFileType.")
    if missing := sorted(_NEEDED - set(names)):
        raise InvalidInputError(
            f"{trc}: has no markers {', '.join(missing)}; export it again with --trc-names halpe26 (the default)."
        )
    kept = [i for i in range(len(names)) if any("".join(row[2 + 3 * i : 5 + 3 * i]).strip() for row in rows)]
    if unseen := sorted(_NEEDED - {names[i] for i in kept}):
        raise InvalidInputError(f"{trc}: {', '.join(unseen)} were never seen; a body can't be scaled without them.")
    columns = [0, 1, *(2 + 3 * i + axis for i in kept for axis in range(3))]
    told = lines[2].split("\t")
    told[3] = str(len(kept))
    header = [lines[0], lines[1], "\t".join(told), *column_lines([names[i] for i in kept])]
    return "\n".join([*header, "", *("\t".join(_cells(row, columns)) for row in rows), ""])


def _cells(row: list[str], columns: list[int]) -> list[str]:
    return [row[column] if column < len(row) else "" for column in columns]


def _run(trc: Path, work: Path, height_m: float, mass_kg: float, longest_s: float) -> None:
    command = [sys.executable, str(_CHILD), str(trc), str(work), str(height_m), str(mass_kg)]
    environment = os.environ | {"MPLBACKEND": "Agg", "QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(  # noqa: S603 - our own file, no shell
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=longest_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LiftlineError(f"{trc.name}: OpenSim took longer than {longest_s:g} s and was ended.") from error
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-_LAST_WORDS:] or "it crashed without a word"
        raise LiftlineError(f"{trc.name}: OpenSim failed (exit code {done.returncode}): {words}")


def _marker_rms_m(errors: Path | None) -> float:
    """Over frames, from the column of that name of OpenSim's report; NaN where it made none."""
    if errors is None:
        return float("nan")
    names, rows = _table(errors)
    values = np.array([row[names.index("marker_error_RMS")] for row in rows], np.float64)
    return float(np.sqrt(np.square(values).mean()))


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """The columns' names and the rows of a motion or storage file of OpenSim's."""
    lines = path.read_text("utf-8").splitlines()
    start = lines.index("endheader") + 1
    return lines[start].split("\t"), [line.split("\t") for line in lines[start + 1 :] if line.strip()]
