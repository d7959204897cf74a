"""OpenSim's TRC: marker positions over time, metres, one file per person.

OpenSim's ground has y up: x is to the camera's right, y up from the floor, z towards the camera. Markers have
HALPE_26's names, which Pose2Sim's models and angles know, unless our joints' are asked for. Those that were never seen
are empty cells, which OpenSim reads as missing.
Format: https://opensimconfluence.atlassian.net/wiki/spaces/OpenSim/pages/53088998 (Marker (.trc) Files); tabs as
Pose2Sim writes and edits them: three after each marker's name, one at the end of the line of axes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from liftline.exports._paths import person_path
from liftline.exports.options import DEFAULTS, ExportOptions
from liftline.files.atomic import atomic_path
from liftline.kinematics.markers import marker_joints
from liftline.kinematics.person import Person, people
from liftline.poses import Poses
from liftline.scene import Scene


def write(poses: Poses, scene: Scene, base: Path, options: ExportOptions = DEFAULTS) -> list[Path]:
    """Write `<stem>.trc` for the most prominent person, `<stem>#2.trc`, … for the others."""
    paths = []
    markers = poses.skeleton.index if options.trc_names == "h36m" else marker_joints(poses.skeleton)
    for person in people(poses, scene):
        path = person_path(base, person.position, ".trc")
        with atomic_path(path) as temporary:
            lines = trc_lines(person, markers, name=path.name)
            temporary.write_text("\n".join(lines) + "\n", "utf-8")
        paths.append(path)
    return paths


def trc_lines(person: Person, markers: Mapping[str, int], *, name: str) -> Iterator[str]:
    """The file's lines, line ends apart."""
    rate, count = f"{person.rate_hz:.6g}", len(person)
    first = int(person.frame_index[0]) + 1 if count else 1
    yield f"PathFileType\t4\t(X/Y/Z)\t{name}"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    yield f"{rate}\t{rate}\t{count}\t{len(markers)}\tm\t{rate}\t{first}\t{count}"
    yield from column_lines(markers)
    yield ""
    cells = person.measured_m[:, list(markers.values())].reshape(count, -1)
    for frame, time_s, row in zip(person.frame_index.tolist(), person.times_s.tolist(), cells, strict=True):
        yield f"{frame + 1}\t{time_s:.6f}\t" + "\t".join("" if np.isnan(v) else f"{v:.5f}" for v in row)


def column_lines(markers: Collection[str]) -> tuple[str, str]:
    """The two lines that name the columns: markers, then their axes."""
    names = "".join(f"{marker}\t\t\t" for marker in markers)
    axes = "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, len(markers) + 1))
    return f"Frame#\tTime\t{names}", f"\t\t{axes}"
