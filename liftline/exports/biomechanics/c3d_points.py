"""C3D: the points of one person over time, in millimetres, for biomechanics programs; z is up.

Points have HALPE_26's names. Where a person isn't in a frame, or a joint was never seen, the point is marked invalid
(residual -1). Format: https://www.c3d.org/docs/C3D_User_Guide.pdf, Intel numbers, points as floats.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.exports._paths import person_path
from liftline.files.atomic import write_bytes
from liftline.kinematics.markers import MARKERS, marker_joints
from liftline.kinematics.person import Person, people, z_up
from liftline.poses import Poses
from liftline.scene import Scene

_BLOCK, _MAGIC, _INTEL = 512, 0x50, 84
_MOST_FRAMES = 65_535
"""What the header can count; more are counted by TRIAL:ACTUAL_END_FIELD."""


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.c3d` for the most prominent person, `<stem>#2.c3d`, … for the others."""
    paths = []
    for person in people(poses, scene):
        if len(person):
            paths.append(person_path(base, person.position, ".c3d"))
            write_bytes(paths[-1], _c3d(person))
    return paths


def _c3d(person: Person) -> bytes:
    markers = marker_joints(person.skeleton)
    labels, points = list(markers), _points(person, list(markers.values()))
    first, last = int(person.frame_index[0]) + 1, int(person.frame_index[-1]) + 1
    parameters = _parameters(labels, first, last, person.rate_hz, data_block=0)
    blocks = -(-len(parameters) // _BLOCK)
    parameters = _parameters(labels, first, last, person.rate_hz, data_block=blocks + 2)
    header = struct.pack(
        "<BBHHHHHfHHf", 2, _MAGIC, len(labels), 0, min(first, _MOST_FRAMES), min(last, _MOST_FRAMES), 0, -1.0,
        blocks + 2, 0, person.rate_hz,
    )  # fmt: skip
    return header.ljust(_BLOCK, b"\0") + parameters.ljust(blocks * _BLOCK, b"\0") + points.tobytes()


def _points(person: Person, joints: Sequence[int]) -> NDArray[np.float32]:
    """(F,P,4) millimetres and residual for every frame from the person's first to their last."""
    known_mm = 1000 * z_up(person.measured_m[:, joints])
    at = person.frame_index - person.frame_index[0]
    out = np.zeros((int(at[-1]) + 1, len(joints), 4), "<f4")
    out[..., 3] = -1
    out[at, :, :3] = np.nan_to_num(known_mm)
    out[at, :, 3] = np.where(np.isfinite(known_mm).all(axis=-1), 0, -1)
    return out


@dataclass(frozen=True)
class _Parameter:
    name: str
    kind: int
    sizes: tuple[int, ...]
    data: bytes


def _words(name: str, *values: int) -> _Parameter:
    sizes = () if len(values) == 1 else (len(values),)
    return _Parameter(name, 2, sizes, struct.pack(f"<{len(values)}H", *values))


def _number(name: str, value: float) -> _Parameter:
    return _Parameter(name, 4, (), struct.pack("<f", value))


def _texts(name: str, values: Sequence[str]) -> _Parameter:
    width = max(map(len, values))
    data = "".join(value.ljust(width) for value in values).encode("ascii")
    return _Parameter(name, -1, (width, len(values)), data)


def _text(name: str, value: str) -> _Parameter:
    return _Parameter(name, -1, (len(value),), value.encode("ascii"))


def _parameters(labels: Sequence[str], first: int, last: int, rate_hz: float, *, data_block: int) -> bytes:
    """The parameter section, without its padding."""
    groups = {
        "POINT": (
            _words("USED", len(labels)), _number("SCALE", -1.0), _number("RATE", rate_hz),
            _words("DATA_START", data_block), _words("FRAMES", min(last - first + 1, _MOST_FRAMES)),
            _texts("LABELS", labels), _texts("DESCRIPTIONS", [MARKERS[label] for label in labels]),
            _text("UNITS", "mm"), _text("X_SCREEN", "+X"), _text("Y_SCREEN", "+Z"),
        ),
        "ANALOG": (_words("USED", 0),),
        "TRIAL": (
            _number("CAMERA_RATE", rate_hz), _words("ACTUAL_START_FIELD", first % 65_536, first // 65_536),
            _words("ACTUAL_END_FIELD", last % 65_536, last // 65_536),
        ),
    }  # fmt: skip
    section = b""
    for number, (name, parameters) in enumerate(groups.items(), start=1):
        section += struct.pack("<bb", len(name), -number) + name.encode("ascii") + struct.pack("<hB", 3, 0)
        for one in parameters:
            body = struct.pack(f"<bB{len(one.sizes)}B", one.kind, len(one.sizes), *one.sizes) + one.data + b"\0"
            section += struct.pack("<bb", len(one.name), number) + one.name.encode("ascii")
            section += struct.pack("<h", 2 + len(body)) + body
    blocks = -(-(4 + len(section)) // _BLOCK)
    return struct.pack("<BBBB", 1, _MAGIC, blocks, _INTEL) + section
