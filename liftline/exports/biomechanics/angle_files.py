"""Joint angles: `<stem>_angles.csv` with everyone, and a motion file `<stem>_angles.mot` for each person.

Which angle is defined how stands in its name: those of Sports2D have its names, anatomical ones begin with `isb_`
(docs/angles.md).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from liftline.exports._paths import person_path
from liftline.exports.biomechanics.mot import mot_lines
from liftline.files.atomic import atomic_path
from liftline.kinematics.angle_table import ANGLE_NAMES, AngleTable, angle_tables
from liftline.poses import Poses
from liftline.scene import Scene

COLUMNS = ("track_id", "frame", "time_s", "observed")
_NOTE = (
    "Degrees. Columns with Sports2D's names (as: right knee) are angles between segments in 3D, without a sign;",
    "columns that begin with isb_ are signed anatomical angles after the ISB. Not determined: nan. docs/angles.md",
)


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>_angles.csv`, one line per person and frame, and each person's `<stem>_angles.mot`."""
    tables = list(angle_tables(poses, scene))
    path = base.with_name(f"{base.stem}_angles.csv")
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([*COLUMNS, *ANGLE_NAMES])
        for table in tables:
            out.writerows(_rows(table))
    return [path, *(_write_mot(table, base) for table in tables)]


def _rows(table: AngleTable) -> Iterator[list[str]]:
    """NaN is an empty cell."""
    person = table.person
    for row, degrees in enumerate(table.degrees):
        head = (person.track_id, person.frame_index[row] + 1, f"{person.times_s[row]:.6f}", int(person.observed[row]))
        yield [*map(str, head), *("" if np.isnan(value) else f"{value:.3f}" for value in degrees)]


def _write_mot(table: AngleTable, base: Path) -> Path:
    path = person_path(base, table.person.position, "_angles.mot")
    with atomic_path(path) as temporary:
        lines = mot_lines(table.person.times_s, table.names, table.degrees, name=path.stem, notes=_NOTE)
        temporary.write_text("\n".join(lines) + "\n", "utf-8")
    return path
