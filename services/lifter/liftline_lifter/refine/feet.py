"""Feet that stand don't slide: first the person's way through the room is corrected, then the legs.

Most sliding comes from the root, whose depth one camera sees badly. A standing foot tells how the root moves, so the
correction of the root is what keeps standing feet slowest, deviates little across the line of sight (which is seen
well) and more along it, and is smooth: a linear least-squares problem over the whole track, banded in time. What still
slides is put in place by bending the leg (two bones, the knee keeps its side), faded in and out around each contact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from liftline.poses import Poses
from liftline.skeletons import H36M17, pose_skeleton
from liftline_lifter.refine._contacts import find_contacts
from liftline_lifter.runs import runs
from liftline_lifter.scene.vertical import unit, upright_direction

Floats = NDArray[np.float64]

FEET = H36M17.indices("left_foot", "right_foot")
_STRAIGHT_M = 1e-4
_LEGS = tuple(H36M17.indices(f"{side}_hip", f"{side}_knee", f"{side}_foot") for side in ("left", "right"))

ACROSS_M, ALONG_M = 0.03, 0.1
"""How far the corrected root deviates across and along the line of sight; this and the next two are standard deviations
of what is white in time, over a second."""
SLIDING_M_S, BENDING_M_S2 = 0.08, 0.5
"""Speed of standing feet, acceleration of the correction."""
FADE_S = 0.2
LARGEST_STEP_M = 0.06
"""By how much a foot is moved at most by bending the leg: farther, and the leg would look wrong."""


def lock_feet(poses: Poses) -> Poses:
    """Poses in which standing feet don't slide; each person is corrected independently."""
    joints_m, roots_m = poses.joints_m.astype(np.float64), poses.root_cam_m.astype(np.float64)
    up = upright_direction(joints_m + roots_m[:, None])
    for person in range(len(poses)):
        at = poses.rows(person)
        times_s = poses.frame_times_s[poses.frame_index[at]]
        joints_m[at], roots_m[at] = lock_track(joints_m[at], roots_m[at], up, times_s)
    return replace(poses, joints_m=joints_m.astype(np.float32), root_cam_m=roots_m.astype(np.float32))


def lock_track(joints_m: Floats, roots_m: Floats, up: Floats, times_s: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """(T,J,3) joints relative to the hip, (T,3) roots -> both, with standing feet in place."""
    contacts = find_contacts(joints_m[:, FEET] + roots_m[:, None], up, times_s)
    if not contacts.any():
        return joints_m, roots_m
    roots_m = corrected_roots(joints_m[:, FEET], roots_m, contacts, times_s)
    joints_m = joints_m.copy()
    for foot, leg in enumerate(_LEGS):
        placed = joints_m[:, FEET[foot]] + roots_m
        moved = two_bone_ik(joints_m[:, leg], foot_offsets(placed, contacts[:, foot], times_s))
        below = _below(FEET[foot], joints_m.shape[1])
        joints_m[:, below] += (moved[:, 2] - joints_m[:, FEET[foot]])[:, None]
        joints_m[:, leg] = moved
    return joints_m, roots_m


def _below(joint: int, joints: int) -> list[int]:
    """What hangs on a joint, in a pose of so many: heel and toes on an ankle."""
    return [place for place, parent in enumerate(pose_skeleton(joints).parents) if parent == joint]


def corrected_roots(
    feet_m: Floats, roots_m: Floats, contacts: NDArray[np.bool_], times_s: NDArray[np.float64]
) -> Floats:
    """(T,2,3) feet relative to the root, (T,3) roots, (T,2) contacts -> (T,3) roots with which feet slide less."""
    steps_s = np.diff(times_s)
    step_s = float(np.median(steps_s))
    bending = np.full(max(len(times_s) - 2, 0), 1 / (BENDING_M_S2**2 * step_s**3))
    coupling = _squared_differences((1.0, -2.0, 1.0), bending, len(times_s))
    right = np.zeros_like(roots_m)
    for foot in (0, 1):
        stands = contacts[1:, foot] & contacts[:-1, foot]
        weight = stands / (SLIDING_M_S**2 * steps_s)
        coupling += _squared_differences((-1.0, 1.0), weight, len(times_s))
        slides = weight[:, None] * np.diff(feet_m[:, foot] + roots_m, axis=0)
        right[:-1] += slides
        right[1:] -= slides
    sight = roots_m / np.linalg.norm(roots_m, axis=1, keepdims=True)
    along = sight[:, :, None] * sight[:, None]
    trust = step_s * ((np.eye(3) - along) / ACROSS_M**2 + along / ALONG_M**2)
    return roots_m + _solved(trust, coupling, right)


def _squared_differences(coefficients: tuple[float, ...], weights: Floats, frames: int) -> Floats:
    """(3,T) lower band of the matrix of sum_t w_t (sum_i c_i x_{t+i})^2, for one coordinate."""
    band = np.zeros((3, frames))
    for later, one in enumerate(coefficients):
        for earlier, other in enumerate(coefficients[: later + 1]):
            band[later - earlier, earlier : earlier + len(weights)] += one * other * weights
    return band


def _solved(trust: Floats, coupling: Floats, right: Floats) -> Floats:
    """(T,3) solution: (T,3,3) what holds within frames, (3,T) between frames and the same for each coordinate."""
    frames = len(right)
    band = np.zeros((9, frames, 3))
    for row in range(3):
        for column in range(row + 1):
            band[row - column, :, column] += trust[:, row, column]
    band[::3] += coupling[:, :, None]
    return np.asarray(solveh_banded(band.reshape(9, -1), right.ravel(), lower=True).reshape(frames, 3), np.float64)


def foot_offsets(foot_m: Floats, contact: NDArray[np.bool_], times_s: NDArray[np.float64]) -> Floats:
    """(T,3) by how much to move a foot (T,3) so that it stays where it stood (median), faded in and out of contacts."""
    out, weight = np.zeros_like(foot_m), np.zeros(len(foot_m))
    for start, stop in runs(contact):
        begin_s, end_s = times_s[start], times_s[stop - 1]
        near = slice(*np.searchsorted(times_s, [begin_s - FADE_S, end_s + FADE_S]).tolist())
        away_s = np.maximum(begin_s - times_s[near], times_s[near] - end_s).clip(0.0, FADE_S)
        fade = np.square(np.cos(np.pi / 2 * away_s / FADE_S))
        held = foot_m[np.clip(np.arange(near.start, near.stop), start, stop - 1)]
        out[near] += fade[:, None] * (np.median(foot_m[start:stop], axis=0) - held)
        weight[near] += fade
    out /= np.maximum(weight, 1.0)[:, None]
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.asarray(out * np.minimum(1.0, LARGEST_STEP_M / np.maximum(length, 1e-9)), np.float64)


def two_bone_ik(leg_m: Floats, step_m: Floats) -> Floats:
    """Inverse kinematics: (T,3,3) hip, knee and foot, (T,3) offsets -> the leg with its foot moved by them.

    Bones keep their lengths, the knee its side.

    A leg reaches no farther than it is long, and one that is quite straight, whose knee has no side, stays straight.
    """
    hip, knee, foot = leg_m[:, 0], leg_m[:, 1], leg_m[:, 2]
    thigh, shin = np.linalg.norm(knee - hip, axis=1), np.linalg.norm(foot - knee, axis=1)
    wanted = foot + step_m - hip
    towards = unit(wanted)
    side = _across(_across(knee - hip, unit(foot - hip)), towards)
    straight = np.linalg.norm(side, axis=1) < _STRAIGHT_M
    distance = np.clip(np.linalg.norm(wanted, axis=1), np.abs(thigh - shin), thigh + shin)
    distance = np.where(straight, np.linalg.norm(foot - hip, axis=1), distance)
    along = (thigh**2 - shin**2 + distance**2) / np.maximum(2 * distance, 1e-9)
    out = np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    bent_to = hip + along[:, None] * towards + out[:, None] * unit(side)
    moved = np.stack([hip, bent_to, hip + distance[:, None] * towards], axis=1)
    still = (step_m == 0).all(axis=1)[:, None, None]
    return np.asarray(np.where(still, leg_m, moved), np.float64)


def _across(vectors: Floats, axes: Floats) -> Floats:
    """(T,3) without their part along unit axes (T,3)."""
    return np.asarray(vectors - (vectors * axes).sum(axis=1, keepdims=True) * axes, np.float64)
