"""Errors of predicted poses: per subject, per joint, per action, and in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

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
