"""All angles of a person over time: Sports2D's by its names, anatomical ones with names that begin with `isb_`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.anatomical import ANATOMICAL_ANGLES, anatomical_angles
from liftline.kinematics.person import Person, people
from liftline.kinematics.sports2d import SPORTS2D_ANGLES, sports2d_angles
from liftline.poses import Poses
from liftline.scene import Scene

ANGLE_NAMES: tuple[str, ...] = (*(angle.name for angle in SPORTS2D_ANGLES), *ANATOMICAL_ANGLES)


@dataclass(frozen=True)
class AngleTable:
    """`degrees` (T,A) of `names` over a person's frames, NaN where not determined: never seen, no feet, singular."""

    person: Person
    degrees: NDArray[np.float64]
    names: tuple[str, ...] = ANGLE_NAMES

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """(T,) degrees of one angle. Raises KeyError."""
        if name not in self.names:
            raise KeyError(name)
        return self.degrees[:, self.names.index(name)]


def angle_table(person: Person) -> AngleTable:
    """The angles of one person; those of joints that were never seen are NaN."""
    joints_m, skeleton = person.measured_m, person.skeleton
    degrees = [sports2d_angles(joints_m, skeleton), anatomical_angles(joints_m, skeleton)]
    return AngleTable(person, np.concatenate(degrees, axis=1))


def angle_tables(poses: Poses, scene: Scene) -> Iterator[AngleTable]:
    """Everyone's, the most prominent first."""
    return map(angle_table, people(poses, scene))
