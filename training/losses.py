"""What the network is taught with: how wrong joints, bones' directions, joint angles and velocities are.

Position alone makes a pose that is near on average and bends limbs that are straight; whoever publishes angles wants
them right. Everything is in metres, or radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from liftline.kinematics.angles import JOINT_ANGLES
from liftline.skeletons import H36M17, H36M17_FEET_HANDS

_POSE = H36M17_FEET_HANDS
_EXTRA_JOINTS = 0.5
"""What a joint of feet and hands counts, where one of Human3.6M-17 counts 1."""
_BONES = torch.tensor([(parent, joint) for joint, parent in enumerate(_POSE.parents) if parent >= 0]).T
_FLAT = 1e-4


@dataclass(frozen=True)
class LossWeights:
    """Of each part beside MPJPE's 1: P-MPJPE, bones' directions, joint angles, velocities."""

    aligned: float = 0.5
    directions: float = 0.5
    angles: float = 0.1
    velocities: float = 1.0


def mpjpe(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Mean per-joint position error of (..., J, 3) poses, in their unit."""
    distances: Tensor = torch.linalg.vector_norm(predicted.float() - wanted, dim=-1)
    return distances.mean()


def weighted_mpjpe(predicted: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """The same of (B, k, 29, 3) poses of which (B, 29) joints are known; feet and hands count less."""
    weights = known.float()[:, None]
    weights = torch.cat([weights[..., : len(H36M17)], _EXTRA_JOINTS * weights[..., len(H36M17) :]], dim=-1)
    distances = torch.linalg.vector_norm(predicted - wanted, dim=-1)
    mean: Tensor = (distances * weights).sum() / (weights.sum() * predicted.shape[1])
    return mean


def p_mpjpe(predicted: Tensor, wanted: Tensor) -> Tensor:
    """MPJPE after each predicted pose of (..., J, 3) was moved, turned and scaled to fit best.

    The fit (Umeyama, 1991) counts as given: no gradient flows through it.
    """
    predicted, wanted = (poses.float() - poses.float().mean(dim=-2, keepdim=True) for poses in (predicted, wanted))
    with torch.no_grad():
        left, sizes, right = torch.linalg.svd(predicted.transpose(-1, -2) @ wanted)
        handed = torch.sign(torch.linalg.det(left) * torch.linalg.det(right))
        sizes[..., 2] *= handed
        left[..., 2] *= handed[..., None]
        scale = sizes.sum(dim=-1) / predicted.square().sum(dim=(-1, -2)).clamp_min(1e-9)
        fit = scale[..., None, None] * (left @ right)
    return mpjpe(predicted @ fit, wanted)


def direction_error(predicted: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """How far bones' ends are off because of their direction alone: mean over bones of (B, k, 29, 3) poses."""
    parents, joints = _BONES.to(predicted.device)
    own, true = (poses[..., joints, :] - poses[..., parents, :] for poses in (predicted, wanted))
    length = torch.linalg.vector_norm(true, dim=-1, keepdim=True)
    turned = own / torch.linalg.vector_norm(own, dim=-1, keepdim=True).clamp_min(0.02) * length
    weights = known[:, None, joints].float()
    distances = torch.linalg.vector_norm(turned - true, dim=-1)
    mean: Tensor = (distances * weights).sum() / (weights.sum() * predicted.shape[1])
    return mean


def angle_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Mean difference of the limbs' joint angles of (..., 29, 3) poses, radians."""
    return (limb_angles(predicted) - limb_angles(wanted)).abs().mean()


def limb_angles(poses: Tensor) -> Tensor:
    """(..., J, 3) -> (..., 8) knees, elbows, hips and shoulders as `liftline.kinematics.angles` has them, radians.

    All but straight and all but folded angles are a little off (0.01), for the gradient's sake.
    """
    one, other = (
        torch.stack([poses[..., b, :] - poses[..., a, :] for a, b in pairs], dim=-2)
        for pairs in zip(*((angle.one, angle.other) for angle in JOINT_ANGLES), strict=True)
    )
    one, other = (v / torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp_min(0.02) for v in (one, other))
    across = torch.linalg.cross(one, other).square().sum(dim=-1)
    return torch.atan2((across + _FLAT).sqrt(), (one * other).sum(dim=-1))


def total(
    predicted: Tensor, wanted: Tensor, known: Tensor, pairs: int, weights: LossWeights
) -> tuple[Tensor, dict[str, float]]:
    """The loss, and its parts by name.

    Args:
        predicted: (B + pairs, k, 29, 3); the last `pairs` windows are the first ones a moment later.
        wanted: the same.
        known: (B + pairs, 29).
        pairs: how many.
        weights: of the parts.
    """
    body = slice(0, len(H36M17))
    parts = {
        "mpjpe": weighted_mpjpe(predicted, wanted, known),
        "p_mpjpe": weights.aligned * p_mpjpe(predicted[..., body, :], wanted[..., body, :]),
        "directions": weights.directions * direction_error(predicted, wanted, known),
        "angles": weights.angles * angle_error(predicted, wanted),
    }
    if pairs:
        moved, moves = (poses[-pairs:] - poses[:pairs] for poses in (predicted, wanted))
        parts["velocities"] = weights.velocities * pairs / len(predicted) * weighted_mpjpe(moved, moves, known[:pairs])
    body_error = mpjpe(predicted[..., body, :], wanted[..., body, :])
    return sum(parts.values(), torch.zeros(())), {"h36m17": body_error.item()} | {k: v.item() for k, v in parts.items()}
