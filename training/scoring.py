"""Errors of predicted poses: per subject, per joint, per joint angle, per action, and in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.angles import ANKLE_ANGLES, JOINT_ANGLES, AngleError, angle_errors, mean_of_eight
from liftline.pose_errors import acceleration_error, align_similarity, mpjpe, mpjve, n_mpjpe, p_mpjpe
from liftline.skeletons import H36M17

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Means:
    """Mean errors."""

    @classmethod
    def mean(cls, several: Sequence[Self]) -> Self:
        """The mean over subjects, each counting the same."""
        return cls(*np.mean([astuple(one) for one in several], axis=0).tolist())


@dataclass(frozen=True)
class Score(_Means):
    """Mean errors in millimetres."""

    mpjpe_mm: float
    p_mpjpe_mm: float
    n_mpjpe_mm: float

    @classmethod
    def of(cls, predicted_m: Floats, wanted_m: Floats) -> Score:
        """The scores of (B, 17, 3) poses in metres."""
        errors = (metric(predicted_m, wanted_m).mean() * 1000 for metric in (mpjpe, p_mpjpe, n_mpjpe))
        return cls(*(float(error) for error in errors))


@dataclass(frozen=True)
class MotionScore(_Means):
    """Mean errors of motion from frame to frame, root-relative: mm per frame, mm per frame² and m/s²."""

    mpjve_mm: float
    acceleration_mm: float
    acceleration_m_s2: float

    @classmethod
    def of(cls, predicted_m: Floats, wanted_m: Floats, rate_hz: float) -> MotionScore:
        """The scores of (B, T, 17, 3) runs of consecutive poses in metres."""
        runs = list(zip(predicted_m, wanted_m, strict=True))
        velocity, acceleration = (
            float(np.mean([metric(*run).mean() for run in runs])) for metric in (mpjve, acceleration_error)
        )
        return cls(1000 * velocity, 1000 * acceleration, acceleration * rate_hz**2)


@dataclass(frozen=True)
class JointScore(_Means):
    """One joint's mean distance in millimetres: as it is, and with the whole pose aligned by similarity."""

    mpjpe_mm: float
    p_mpjpe_mm: float


@dataclass(frozen=True)
class ActionScore:
    """Errors in one action's `windows` windows."""

    score: Score
    windows: int


def by_joint(predicted_m: Floats, wanted_m: Floats) -> dict[str, JointScore]:
    """Per joint of (B, 17, 3) poses in metres."""
    raw = np.linalg.norm(predicted_m - wanted_m, axis=2).mean(axis=0)
    aligned = np.linalg.norm(align_similarity(predicted_m, wanted_m) - wanted_m, axis=2).mean(axis=0)
    return {
        joint: JointScore(1000 * float(own), 1000 * float(best))
        for joint, own, best in zip(H36M17.joints, raw, aligned, strict=True)
    }


def by_action(predicted_m: Floats, wanted_m: Floats, actions: NDArray[np.str_]) -> dict[str, ActionScore]:
    """Per action of (B, 17, 3) poses in metres; `actions` (B,) names each pose's."""
    scores = {}
    for action in sorted(set(actions.tolist())):
        own = actions == action
        scores[action] = ActionScore(Score.of(predicted_m[own], wanted_m[own]), int(own.sum()))
    return scores


def by_angle(predicted_m: Floats, wanted_m: Floats) -> dict[str, AngleError]:
    """The eight joint angles of (B, 17 or 29, 3) poses, and the ankles where both have feet (NaN where unknown)."""
    feet = min(predicted_m.shape[1], wanted_m.shape[1]) > len(H36M17) and bool(np.isfinite(wanted_m).all((1, 2)).any())
    angles = (*JOINT_ANGLES, *ANKLE_ANGLES) if feet else JOINT_ANGLES
    return angle_errors(predicted_m, wanted_m, angles)


def mean_angles(several: Sequence[dict[str, AngleError]]) -> dict[str, AngleError]:
    """Means over subjects, of the angles that all of them have."""
    return {
        name: AngleError(*np.mean([astuple(one[name]) for one in several], axis=0).tolist())
        for name in several[0]
        if all(name in one for one in several)
    }


def angle_rows(angles: dict[str, AngleError]) -> list[str]:
    """A line for each angle, then the mean of the eight that Human3.6M-17 determines (of bias: its size)."""
    return [
        f"{name:28}{one.mae_deg:8.1f}{one.rmse_deg:9.1f}{one.bias_deg:9.1f}{one.offset_free_deg:8.1f}{one.correlation:8.2f}"
        for name, one in (angles | {"mean of eight": mean_of_eight(angles)}).items()
    ]
