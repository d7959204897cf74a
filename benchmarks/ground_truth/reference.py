"""Reading the 3D reference of the shared recordings: OpenSim marker files (.trc) and calibrated cameras (.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidInputError
from liftline.skeletons import LIMB_JOINTS

MARKER_OF_JOINT = {
    f"{side}_{part}": side[0].upper() + marker
    for side in ("left", "right")
    for part, marker in {
        "shoulder": "Shoulder",
        "elbow": "Elbow",
        "wrist": "Wrist",
        "hip": "Hip",
        "knee": "Knee",
        "foot": "Ankle",
    }.items()
}


@dataclass(frozen=True)
class CalibratedCamera:
    """matrix (3,3) and distortions (4,) as OpenCV's; rotation (3,3), translation_m (3,): world to camera."""

    name: str
    width_px: int
    height_px: int
    matrix: NDArray[np.float64]
    distortions: NDArray[np.float64]
    rotation: NDArray[np.float64]
    translation_m: NDArray[np.float64]

    def to_camera(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...,3) world -> (...,3) camera space."""
        return np.asarray(points_m @ self.rotation.T + self.translation_m, np.float64)

    def shifted(self, by_px: NDArray[np.float64]) -> CalibratedCamera:
        """The camera with its principal point moved by (2,) pixels: everything is seen there."""
        matrix = self.matrix.copy()
        matrix[:2, 2] += by_px
        return replace(self, matrix=matrix)

    def project(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...,3) world -> (...,2) pixels with lens distortion, NaN where a point is missing."""
        flat = points_m.reshape(-1, 1, 3)
        known = np.isfinite(flat).all(axis=(1, 2))
        out = np.full((len(flat), 2), np.nan)
        if known.any():
            turn, _ = cv2.Rodrigues(self.rotation)
            pixels, _ = cv2.projectPoints(flat[known], turn, self.translation_m, self.matrix, self.distortions)
            out[known] = pixels[:, 0]
        return out.reshape(*points_m.shape[:-1], 2)


def load_cameras(path: Path) -> dict[str, CalibratedCamera]:
    """Cameras by name."""
    tables = tomllib.loads(path.read_text("utf-8"))
    cameras = {}
    for table in tables.values():
        if "matrix" not in table:
            continue
        rotation, _ = cv2.Rodrigues(np.array(table["rotation"]))
        cameras[table["name"]] = CalibratedCamera(
            table["name"],
            int(table["size"][0]),
            int(table["size"][1]),
            np.array(table["matrix"]),
            np.array(table["distortions"]),
            np.asarray(rotation, np.float64),
            np.array(table["translation"]),
        )
    return cameras


def load_limbs(path: Path) -> NDArray[np.float64]:
    """(F,12,3) limb joints in the order of `LIMB_JOINTS`, world space (z up), metres; NaN where missing.

    Raises InvalidInputError if the file is no .trc in metres with these markers.
    """
    lines = path.read_text("utf-8").splitlines()
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise InvalidInputError(f"{path}: no .trc marker file.")
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    if header.get("Units") != "m":
        raise InvalidInputError(f"{path}: units are {header.get('Units')!r}, expected metres.")
    names = [name for name in lines[3].split("\t")[2:] if name.strip()]
    missing = sorted(set(MARKER_OF_JOINT.values()) - set(names))
    if missing:
        raise InvalidInputError(f"{path}: the markers {', '.join(missing)} are missing.")
    rows = [_numbers(line, 2 + 3 * len(names)) for line in lines[5:] if line.strip()]
    markers = np.array(rows)[:, 2:].reshape(len(rows), len(names), 3)
    limbs = markers[:, [names.index(MARKER_OF_JOINT[joint]) for joint in LIMB_JOINTS]]
    return np.asarray(limbs[..., [2, 0, 1]], np.float64)


def _numbers(line: str, count: int) -> list[float]:
    cells = [float(cell) if cell.strip() else np.nan for cell in line.split("\t")[:count]]
    return cells + [np.nan] * (count - len(cells))
