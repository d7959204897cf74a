"""The figure's body: round cones and ellipsoids around a pose, one smooth union per material, as a distance field.

Distances follow Inigo Quilez, "Distance functions" (iquilezles.org); the smooth union is his exponential one, which
needs no order of the primitives and so evaluates as a few array operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from liftline_demo.mannequin.gait import SIDES, Pose, Side

Points = NDArray[np.float32]


class Material(IntEnum):
    """Material of a primitive; the index into BLEND_M and the colours."""

    SHIRT = 0
    TROUSERS = 1
    SKIN = 2
    HAIR = 3
    SHOE = 4


BLEND_M = np.array([0.017, 0.011, 0.007, 0.007, 0.008], np.float32)
"""(5,) softness of each material's smooth union, metres."""


@dataclass(frozen=True)
class Body:
    """C round cones and E ellipsoids; float32, relative to `origin_m` (3,), metres.

    starts_m, ends_m (C,3) and radii_m (C,2) of the cones; centres_m (E,3), semi_axes_m (E,3) and axes (E,3,3), whose
    columns are the ellipsoids' axes; cone_materials (C,), ellipsoid_materials (E,).
    """

    origin_m: NDArray[np.float64]
    starts_m: Points
    ends_m: Points
    radii_m: Points
    cone_materials: NDArray[np.intp]
    centres_m: Points
    semi_axes_m: Points
    axes: Points
    ellipsoid_materials: NDArray[np.intp]

    def part(self, cones: NDArray[np.bool_], ellipsoids: NDArray[np.bool_]) -> Body:
        """The body with these primitives only: (C,) and (E,) masks."""
        return Body(
            self.origin_m,
            self.starts_m[cones],
            self.ends_m[cones],
            self.radii_m[cones],
            self.cone_materials[cones],
            self.centres_m[ellipsoids],
            self.semi_axes_m[ellipsoids],
            self.axes[ellipsoids],
            self.ellipsoid_materials[ellipsoids],
        )

    @cached_property
    def _cone_terms(self) -> tuple[Points, Points, Points, Points, Points]:
        """Rows to multiply points with (2C,3), and per cone a·a, a·ba, ba·ba and the radius' slope, all (C,1)."""
        along = self.ends_m - self.starts_m
        rows = np.concatenate([self.starts_m, along])
        products = [np.einsum("ij,ij->i", *p) for p in ((self.starts_m,) * 2, (self.starts_m, along), (along,) * 2)]
        square, offset, length = (p[:, None] for p in products)
        return rows, square, offset, length, self.radii_m[:, 1:] - self.radii_m[:, :1]

    @cached_property
    def _ellipsoid_terms(self) -> tuple[Points, Points, Points]:
        """Rows (3E,3) that turn and scale points into unit spheres, their offset (3E,1), 1 / semi-axis (E,3,1)."""
        rows = (np.swapaxes(self.axes, 1, 2) / self.semi_axes_m[..., None]).astype(np.float32)
        offset = (rows @ self.centres_m[..., None]).reshape(-1, 1)
        return rows.reshape(-1, 3), offset.astype(np.float32), (1 / self.semi_axes_m[..., None]).astype(np.float32)

    @cached_property
    def _groups(self) -> tuple[NDArray[np.intp], Points, Points, Points]:
        """Materials present (M,), membership (M,P), and the softness of every primitive (P,1) and material (M,1)."""
        owner = np.concatenate([self.cone_materials, self.ellipsoid_materials])
        present = np.unique(owner)
        member = (present[:, None] == owner).astype(np.float32)
        return present, member, BLEND_M[owner][:, None], BLEND_M[present][:, None]

    def distance(self, points_m: Points) -> tuple[Points, NDArray[np.intp]]:
        """(N,3) points relative to the origin -> (N,) signed distance to the surface, and the nearest material (N,)."""
        each = np.concatenate([self._to_cones(points_m), self._to_ellipsoids(points_m)])
        present, member, softness, blend = self._groups
        nearest = each.min(axis=0)
        with np.errstate(divide="ignore"):
            united = nearest - blend * np.log(member @ np.exp((nearest - each) / softness))
        winner = united.argmin(axis=0)
        return np.take_along_axis(united, winner[None], 0)[0], present[winner]

    def _to_cones(self, points_m: Points) -> Points:
        rows, square, offset, length, slope = self._cone_terms
        products = rows @ points_m.T
        from_start, along = products[: len(square)], products[len(square) :] - offset
        part = np.clip(along / length, 0, 1)
        squared = (
            np.einsum("ij,ij->i", points_m, points_m) - 2 * from_start + square - part * (2 * along - part * length)
        )
        return np.asarray(np.sqrt(np.maximum(squared, 0)) - self.radii_m[:, :1] - slope * part, np.float32)

    def _to_ellipsoids(self, points_m: Points) -> Points:
        rows, offset, inverse = self._ellipsoid_terms
        scaled = (rows @ points_m.T - offset).reshape(len(inverse), 3, len(points_m))
        twice = scaled * inverse
        value = np.sqrt(np.einsum("ijk,ijk->ik", scaled, scaled))
        slope = np.sqrt(np.einsum("ijk,ijk->ik", twice, twice))
        return np.asarray(value * (value - 1) / np.maximum(slope, 1e-6), np.float32)


class _Sculptor:
    """Collects primitives and closes them into a Body."""

    def __init__(self, pose: Pose) -> None:
        self._origin = pose.points["pelvis"]
        self._cones: list[tuple[Material, NDArray[np.float64], NDArray[np.float64], float, float]] = []
        self._ellipsoids: list[tuple[Material, NDArray[np.float64], Sequence[float], NDArray[np.float64]]] = []

    def cone(self, material: Material, start: NDArray[np.float64], end: NDArray[np.float64], *radii: float) -> None:
        self._cones.append((material, start - self._origin, end - self._origin, radii[0], radii[-1]))

    def ellipsoid(
        self, material: Material, centre: NDArray[np.float64], semi_axes: Sequence[float], axes: NDArray[np.float64]
    ) -> None:
        self._ellipsoids.append((material, centre - self._origin, semi_axes, axes))

    def body(self) -> Body:
        materials, starts, ends, *radii = zip(*self._cones, strict=True)
        owners, centres, semi_axes, axes = zip(*self._ellipsoids, strict=True)
        return Body(
            self._origin,
            np.array(starts, np.float32),
            np.array(ends, np.float32),
            np.array(radii, np.float32).T.copy(),
            np.array(materials, np.intp),
            np.array(centres, np.float32),
            np.array(semi_axes, np.float32),
            np.array(axes, np.float32),
            np.array(owners, np.intp),
        )


def body_of(pose: Pose) -> Body:
    """The dressed body in this pose."""
    clay = _Sculptor(pose)
    _torso(clay, pose)
    _head(clay, pose)
    for side in SIDES:
        _arm(clay, pose, side)
        _leg(clay, pose, side)
    return clay.body()


def _torso(clay: _Sculptor, pose: Pose) -> None:
    points, torso, pelvis = pose.points, pose.frames["torso"], pose.frames["pelvis"]
    clay.ellipsoid(Material.SHIRT, points["chest"] + torso @ [0, 0, 0.02], [0.115, 0.165, 0.19], torso)
    clay.ellipsoid(Material.SHIRT, points["abdomen"], [0.100, 0.145, 0.17], torso)
    clay.ellipsoid(Material.SHIRT, points["pelvis"] + torso @ [0, 0, 0.06], [0.107, 0.157, 0.09], torso)
    clay.ellipsoid(Material.TROUSERS, points["pelvis"] + pelvis @ [-0.01, 0, 0], [0.112, 0.158, 0.11], pelvis)


def _head(clay: _Sculptor, pose: Pose) -> None:
    centre, head, torso = pose.points["head"], pose.frames["head"], pose.frames["torso"]
    neck = pose.points["neck"]
    clay.cone(Material.SKIN, neck - torso @ [0, 0, 0.06], centre + head @ [-0.015, 0, -0.05], 0.058, 0.055)
    clay.ellipsoid(Material.SKIN, centre + head @ [-0.005, 0, 0.02], [0.098, 0.076, 0.10], head)
    clay.ellipsoid(Material.SKIN, centre + head @ [0.022, 0, -0.05], [0.066, 0.056, 0.07], head)
    clay.cone(Material.SKIN, centre + head @ [0.090, 0, 0.005], centre + head @ [0.108, 0, -0.035], 0.009, 0.015)
    clay.ellipsoid(Material.HAIR, centre + head @ [-0.022, 0, 0.038], [0.100, 0.085, 0.095], head)
    clay.ellipsoid(Material.HAIR, centre + head @ [-0.045, 0, -0.01], [0.065, 0.076, 0.085], head)
    for side in SIDES:
        clay.ellipsoid(Material.SKIN, centre + head @ [-0.008, 0.076 * side.sign, -0.01], [0.02, 0.012, 0.032], head)


def _arm(clay: _Sculptor, pose: Pose, side: Side) -> None:
    points, torso = pose.points, pose.frames["torso"]
    shoulder, elbow, wrist, knuckle = (
        points[f"{side.name}_{joint}"] for joint in ("shoulder", "elbow", "wrist", "knuckle")
    )
    forearm = elbow + 0.35 * (wrist - elbow)
    clay.cone(
        Material.SHIRT,
        points["neck"] + torso @ [0, 0.045 * side.sign, -0.035],
        shoulder + torso @ [0, -0.005 * side.sign, 0],
        0.050,
        0.055,
    )
    clay.cone(Material.SHIRT, shoulder, shoulder + 0.68 * (elbow - shoulder), 0.057, 0.052)
    clay.cone(Material.SKIN, shoulder + 0.4 * (elbow - shoulder), elbow, 0.046, 0.037)
    clay.cone(Material.SKIN, elbow, forearm, 0.035, 0.038)
    clay.cone(Material.SKIN, forearm, wrist, 0.038, 0.026)
    clay.cone(Material.SKIN, wrist, knuckle, 0.027, 0.034)
    clay.cone(Material.SKIN, knuckle, points[f"{side.name}_fingertip"], 0.030, 0.014)
    clay.cone(Material.SKIN, wrist + 0.3 * (knuckle - wrist), points[f"{side.name}_thumb"], 0.018, 0.012)


def _leg(clay: _Sculptor, pose: Pose, side: Side) -> None:
    points, foot = pose.points, pose.frames[f"{side.name}_foot"]
    hip, knee, ankle, heel, ball, toe = (
        points[f"{side.name}_{joint}"] for joint in ("hip", "knee", "ankle", "heel", "ball", "toe")
    )
    calf = knee + 0.3 * (ankle - knee) - foot @ [0.012, 0, 0]
    clay.cone(Material.TROUSERS, hip - pose.frames["pelvis"] @ [0, 0, 0.01], knee, 0.092, 0.062)
    clay.cone(Material.TROUSERS, knee, calf, 0.062, 0.064)
    clay.cone(Material.TROUSERS, calf, ankle + 0.06 * (knee - ankle), 0.064, 0.050)
    clay.cone(Material.SHOE, heel, ball, 0.045, 0.040)
    clay.cone(Material.SHOE, ball, toe, 0.040, 0.033)
    clay.cone(Material.SHOE, heel + foot @ [0.03, 0, 0.03], ball + foot @ [-0.03, 0, 0.015], 0.042, 0.036)
