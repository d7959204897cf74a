"""Which frames of the plan a drawn segment holds: a small file beside it, and what users are told of the others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidArtifactError
from liftline.files import npz_entries
from liftline.files.atomic import atomic_path
from liftline.plan import Plan


def save(path: Path, frame_index: NDArray[np.int64]) -> None:
    """Write (N,) rising frame numbers as npy; whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array(file, frame_index, allow_pickle=False)


def load(path: Path) -> NDArray[np.int64]:
    """Read (N,) rising frame numbers. Raises InvalidArtifactError: no such file, damaged, not rising."""
    try:
        with path.open("rb") as file:
            found = npz_entries.read_array(file, path.stat().st_size)
    except npz_entries.DAMAGED as error:
        raise InvalidArtifactError(f"{path}: no readable frame index ({error}); render the segment again.") from error
    if found.ndim != 1 or found.dtype != np.int64 or np.any(np.diff(found) <= 0):
        raise InvalidArtifactError(f"{path}: no rising row of frame numbers; render the segment again.")
    return found


def warnings(plan: Plan, drawn: Iterable[NDArray[np.int64]]) -> tuple[str, ...]:
    """What to tell the user of frames that are in no segment."""
    missing = plan.frame_count - sum(map(len, drawn))
    if not missing:
        return ()
    return (
        f"{plan.info.name}: {missing} of {plan.frame_count} frames can't be decoded (damaged or cut short) "
        "and are left out of the result.",
    )
