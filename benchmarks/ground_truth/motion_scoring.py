"""How good a motion is, beyond single poses: jitter, feet that slide, bones that breathe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from liftline.pose_errors import acceleration_error, mpjpe, p_mpjpe
from liftline_lifter.runs import runs

Floats = NDArray[np.floating]

STANDING_M_S = 0.15
STANDING_HEIGHT_M = 0.2
"""An ankle that truly stands: slower than this, and not higher above the lowest place it ever has."""
_SPEED_S = 0.04


@dataclass(frozen=True)
class Motion:
    """One person's motion in T consecutive frames.

    joints_m (T,J,3) relative to the hip; placed_m (T,J,3) the same in camera space; feet: the two ankles among J.
    """

    joints_m: Floats
    placed_m: Floats
    feet: tuple[int, int]
    rate_hz: float


@dataclass(frozen=True)
class MotionScore:
    """Means over the frames of one or more clips.

    p_mpjpe_mm, mpjpe_mm: of poses. acceleration_mm: mean over joints of |a - a_true|, root-relative, mm/frame²;
    acceleration_m_s2: the same per second². global_acceleration_mm: with the root. skating_cm_s: speed of feet that
    truly stand. drift_mm: how far they get from their mean place in one contact. bone_spread_mm: standard deviation of
    a bone's length over a clip. root_mm: distance of the root from the truth, its mean over the clip taken out.
    """

    p_mpjpe_mm: float
    mpjpe_mm: float
    acceleration_mm: float
    acceleration_m_s2: float
    global_acceleration_mm: float
    skating_cm_s: float
    drift_mm: float
    bone_spread_mm: float
    root_mm: float

    @classmethod
    def of(cls, clips: Sequence[tuple[Motion, Motion, NDArray[np.bool_]]], parents: Sequence[int]) -> MotionScore:
        """Pairs of motion and truth, and (T,2) when feet truly stand; parents of the joints, -1 for none."""
        rows = [_parts(motion, truth, stands, parents) for motion, truth, stands in clips]
        means = (np.concatenate([row[name] for row in rows]) for name in rows[0])
        return cls(*(float(values.mean()) if len(values) else float("nan") for values in means))

    @classmethod
    def mean(cls, scores: Sequence[MotionScore]) -> MotionScore:
        """Each counting the same; what a score doesn't know is left out."""
        names = [field.name for field in fields(cls)]
        return cls(*(float(np.nanmean([getattr(score, name) for score in scores])) for name in names))


def stands(feet_m: Floats, up: Floats, floor_m: float, rate_hz: float) -> NDArray[np.bool_]:
    """(T,2,3) true ankles -> (T,2) whether each stands."""
    reach = max(1, round(_SPEED_S * rate_hz))
    padded = np.pad(feet_m, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    moved = np.linalg.norm(padded[2 * reach :] - padded[: -2 * reach], axis=-1)
    slow = moved * rate_hz / (2 * reach) < STANDING_M_S
    return np.asarray(slow & (feet_m @ up - floor_m < STANDING_HEIGHT_M), np.bool_)


def _parts(
    motion: Motion, truth: Motion, standing: NDArray[np.bool_], parents: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """What `MotionScore` averages, in its order."""
    relative = 1000 * acceleration_error(motion.joints_m, truth.joints_m)
    placed = 1000 * acceleration_error(motion.placed_m, truth.placed_m)
    feet_m = motion.placed_m[:, list(motion.feet)].astype(np.float64)
    speed = 100 * motion.rate_hz * np.linalg.norm(np.diff(feet_m, axis=0), axis=-1)
    # Relative joints are placed ones minus the root, whatever joint the root is between.
    off = 1000 * ((motion.placed_m - motion.joints_m) - (truth.placed_m - truth.joints_m))[:, 0].astype(np.float64)
    return {
        "p_mpjpe": 1000 * p_mpjpe(motion.joints_m, truth.joints_m),
        "mpjpe": 1000 * mpjpe(motion.joints_m, truth.joints_m),
        "acceleration": relative,
        "acceleration per s": relative / 1000 * motion.rate_hz**2,
        "global": placed,
        "skating": speed[standing[1:] & standing[:-1]],
        "drift": np.concatenate([np.empty(0), *(_drifts(feet_m[:, foot], standing[:, foot]) for foot in (0, 1))]),
        "bones": _bone_spread(motion.joints_m, parents),
        "root": np.linalg.norm(off - off.mean(axis=0), axis=-1),
    }


def _drifts(foot_m: NDArray[np.float64], standing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distances (mm) from the mean place of each contact of a foot (T,3)."""
    apart = [foot_m[start:stop] - foot_m[start:stop].mean(axis=0) for start, stop in runs(standing)]
    return np.asarray(1000 * np.linalg.norm(np.concatenate([np.empty((0, 3)), *apart]), axis=-1), np.float64)


def _bone_spread(joints_m: Floats, parents: Sequence[int]) -> NDArray[np.float64]:
    ends = [joint for joint, parent in enumerate(parents) if parent >= 0]
    starts = [parents[joint] for joint in ends]
    lengths = np.linalg.norm(joints_m[:, ends].astype(np.float64) - joints_m[:, starts], axis=-1)
    return np.asarray(1000 * lengths.std(axis=0), np.float64)
