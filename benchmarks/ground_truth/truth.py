"""Whom accuracy on the two_people recordings is measured against, and where those references come from.

person2 (the dancer) has a given reference. It runs ahead of the pictures by about two frames, which shows against the
detections in every view and against our own triangulation; it is delayed by what fits best, measured anew each time.

person1's given reference (half-sized bones, cross-legged at hip height, beside everyone) fits nobody in any view. The
second person, a woman, is a rendered character laid over the pictures: always in front, and with other principal points
than the cameras'. So her reference is our own triangulation of her 2D tracks (`multiview` beside this), which finds
those shifts; the same is done for the dancer, as a check of the method: see `Truth.origin`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import need
from benchmarks.ground_truth.matching import Reference
from benchmarks.ground_truth.multiview import Person, delayed, lag_frames, people, rate_hz_of, views_of
from benchmarks.ground_truth.reference import CalibratedCamera, load_limbs
from liftline.errors import InvalidInputError
from liftline.pose_errors import p_mpjpe
from liftline.poses import Poses

GIVEN = ("person1", "person2")
SAME_PLACE_M = 0.2
"""A reference is somebody's if its middle is usually this close to theirs."""


@dataclass(frozen=True)
class Truth:
    """One person: limbs_m (F,12,3) in the world; cameras that see them otherwise than calibrated, by view."""

    name: str
    origin: str
    limbs_m: NDArray[np.float64]
    cameras: Mapping[str, CalibratedCamera]

    def seen_by(self, view: str, camera: CalibratedCamera) -> Reference:
        """In one view."""
        return Reference.seen_by(self.cameras.get(view, camera), self.limbs_m)


def load_truths(folder: Path, results: Mapping[str, Poses], cameras: Mapping[str, CalibratedCamera]) -> list[Truth]:
    """A reference for everyone of `GIVEN`, in this order.

    Args:
        folder: of the given references.
        results: of the pipeline, by view, whose keypoints are triangulated.
        cameras: by view.

    Raises:
        InvalidInputError: a file is missing, or fewer people are seen in all views than there are references.
    """
    given = {name: load_limbs(need(folder / f"two_people_{name}.trc")) for name in GIVEN}
    frames = min(map(len, given.values()))
    seen = people(views_of(results, cameras, frames=frames), rate_hz=rate_hz_of(results))
    truths = {}
    for name, limbs_m in given.items():
        fitting = [person for person in seen if _apart_m(limbs_m, person) < SAME_PLACE_M]
        if fitting:
            seen.remove(fitting[0])
            truths[name] = _given(name, limbs_m, fitting[0])
    for name in GIVEN:
        if name not in truths:
            if not seen:
                raise InvalidInputError(f"{name}: its reference fits nobody, and nobody else is followed in all views.")
            truths[name] = _own(name, seen.pop(0), tuple(results))
    return [truths[name] for name in GIVEN]


def _apart_m(limbs_m: NDArray[np.float64], person: Person) -> float:
    """(F,12,3): how far its middle usually is from the person's."""
    return float(np.nanmedian(np.linalg.norm(limbs_m.mean(axis=1) - person.limbs_m.mean(axis=1), axis=-1)))


def _given(name: str, limbs_m: NDArray[np.float64], person: Person) -> Truth:
    lag = lag_frames(limbs_m, person.limbs_m)
    late = delayed(limbs_m, lag)
    both = np.isfinite(late).all(axis=(1, 2))
    apart_mm = 1000 * float(p_mpjpe(person.limbs_m[both], late[both]).mean())
    origin = f"given reference, delayed by {lag:g} frames; our own triangulation is {apart_mm:.0f} mm from it (P-MPJPE)"
    return Truth(name, origin, late, {})


def _own(name: str, person: Person, views: tuple[str, ...]) -> Truth:
    limbs = person.used[..., 5:]
    origin = (
        "its given reference fits nobody; our own triangulation of the views' 2D tracks (depth owes nothing to a "
        f"lifter, the 2D detector is shared); {limbs.any(axis=0).mean():.0%} of the limb joints, from "
        f"{limbs.sum(axis=0)[limbs.any(axis=0)].mean():.1f} views, "
        f"{np.median(np.linalg.norm(person.offsets_px()[:, :, 5:][limbs], axis=-1)):.0f} px in the median"
    )
    return Truth(name, origin, person.limbs_m, dict(zip(views, person.cameras, strict=True)))
