"""How far predicted 3D joints are from the truth: the measures of the 3D human pose literature.

MPJPE and P-MPJPE are protocols 1 and 2 of Human3.6M (Ionescu et al., TPAMI 2014; Martinez et al., ICCV 2017);
N-MPJPE is from Rhodin et al., "Unsupervised geometry-aware representation for 3D human pose estimation" (ECCV 2018).
Each takes (F,J,3) and gives one mean distance per frame, in the unit of its input; NaN in, NaN out.

MPJVE (Pavllo et al., VideoPose3D, CVPR 2019) and the acceleration error (Kanazawa et al., HMMR, CVPR 2019) compare
motion: their frames are consecutive ones of one clip. They give one value per pair and per triple of frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Joints = NDArray[np.floating]


def mpjpe(predicted: Joints, truth: Joints) -> NDArray[np.float64]:
    """(F,J,3) twice -> (F,) mean per-joint position error. Both must be relative to the same root."""
    predicted, truth = _checked(predicted, truth)
    return np.asarray(np.linalg.norm(predicted - truth, axis=-1).mean(axis=-1), np.float64)


def n_mpjpe(predicted: Joints, truth: Joints) -> NDArray[np.float64]:
    """(F,J,3) twice -> (F,) error after the prediction is scaled to fit best, frame by frame: size is forgiven."""
    predicted, truth = _checked(predicted, truth)
    energy = (predicted**2).sum(axis=(1, 2))
    scale = (predicted * truth).sum(axis=(1, 2)) / np.where(energy > 0, energy, 1)
    return mpjpe(predicted * scale[:, None, None], truth)


def p_mpjpe(predicted: Joints, truth: Joints) -> NDArray[np.float64]:
    """(F,J,3) twice -> (F,) error after the best similarity transform per frame: place, turn and size are forgiven."""
    predicted, truth = _checked(predicted, truth)
    return mpjpe(align_similarity(predicted, truth), truth)


def mpjve(predicted: Joints, truth: Joints, *, rate_hz: float = 1.0) -> NDArray[np.float64]:
    """(F,J,3) twice -> (F-1,) mean per-joint velocity error, in units per frame, or per second with the frame rate."""
    return _motion_error(predicted, truth, order=1, rate_hz=rate_hz)


def acceleration_error(predicted: Joints, truth: Joints, *, rate_hz: float = 1.0) -> NDArray[np.float64]:
    """(F,J,3) twice -> (F-2,) mean per-joint acceleration error, in units per frame² or, with the rate, per second²."""
    return _motion_error(predicted, truth, order=2, rate_hz=rate_hz)


def _motion_error(predicted: Joints, truth: Joints, *, order: int, rate_hz: float) -> NDArray[np.float64]:
    predicted, truth = _checked(predicted, truth)
    if len(truth) <= order:
        return np.empty(0)
    return mpjpe(*(np.diff(joints, order, axis=0) * rate_hz**order for joints in (predicted, truth)))


def align_similarity(points: Joints, target: Joints) -> NDArray[np.float64]:
    """(F,J,3) moved, turned (never mirrored) and scaled onto `target` (F,J,3), least squares, frame by frame.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (TPAMI 1991).
    """
    points, target = _checked(points, target)
    usable = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(target).all(axis=(1, 2))
    aligned = np.full(points.shape, np.nan)
    source, goal = points[usable], target[usable]
    source_mean, goal_mean = source.mean(axis=1, keepdims=True), goal.mean(axis=1, keepdims=True)
    source, goal = source - source_mean, goal - goal_mean
    u, singular, vt = np.linalg.svd(np.swapaxes(source, 1, 2) @ goal)
    mirrored = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    u[:, :, -1] *= mirrored[:, None]
    singular[:, -1] *= mirrored
    energy = (source**2).sum(axis=(1, 2))
    scale = singular.sum(axis=1) / np.where(energy > 0, energy, 1)
    aligned[usable] = scale[:, None, None] * (source @ u @ vt) + goal_mean
    return aligned


def _checked(predicted: Joints, truth: Joints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if predicted.shape != truth.shape or predicted.ndim != 3 or predicted.shape[-1] != 3:
        raise ValueError(f"need two (F,J,3) arrays of one shape, got {predicted.shape} and {truth.shape}")
    return predicted.astype(np.float64), truth.astype(np.float64)
