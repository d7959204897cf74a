"""Tiny random checkpoints, and tracks to lift with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from liftline.tracks import Tracks
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.features import FEATURES
from liftline_lifter.lifting.network import TemporalModel
from liftline_lifter.lifting.normalise import Normalisation


def random_model(
    widths: Sequence[int], channels: int, *, joints_out: int = 17, features_in: int = 34, causal: bool = False
) -> TemporalModel:
    """A network whose batch norms are not the identity, as a trained one's aren't."""
    model = TemporalModel(widths, channels, joints_out=joints_out, features_in=features_in, causal=causal).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.bias, 0, 0.1)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.requires_grad_(False)


def random_checkpoint(
    widths: Sequence[int] = (3, 3),
    channels: int = 16,
    *,
    normalisation: Normalisation = Normalisation.IMAGE_WIDTH,
    causal: bool = False,
    trajectory: bool = False,
    rate_hz: float = 50.0,
) -> LifterCheckpoint:
    """A checkpoint of random weights, always the same ones."""
    torch.manual_seed(0)
    reads_all = normalisation is Normalisation.PERSON_FEATURES
    sizes = {"joints_out": 29, "features_in": FEATURES} if reads_all else {}
    return LifterCheckpoint(
        pose_model=random_model(widths, channels, causal=causal, **sizes),
        trajectory_model=random_model(widths, channels, joints_out=1, causal=causal) if trajectory else None,
        normalisation=normalisation,
        rate_hz=rate_hz,
        name="random",
        sha256="0" * 64,
        licence="none",
    )


def random_keypoints(frames: int, *, seed: int = 0) -> NDArray[np.float32]:
    """(T,17,2) pixels of someone who moves at random, in a 1280x720 video."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1, (frames, 1, 2)), axis=0) + rng.normal(0, 2, (frames, 17, 2))
    return (rng.uniform(200, 500, (1, 17, 2)) + walk).astype(np.float32)


def tracks_of(lengths: Sequence[int], *, fps: float = 30.0, starts: Sequence[int] | None = None) -> Tracks:
    """Tracks of so many frames each."""
    starts = starts or [0] * len(lengths)
    frames = max((start + length for start, length in zip(starts, lengths, strict=True)), default=5)
    points = [random_keypoints(length, seed=n) for n, length in enumerate(lengths)]
    keypoints = np.concatenate([*points, np.zeros((0, 17, 2), np.float32)])
    rows = len(keypoints)
    index = [start + np.arange(length) for start, length in zip(starts, lengths, strict=True)]
    return Tracks(
        video="clip.mp4",
        width_px=1280,
        height_px=720,
        detector="synthetic",
        frame_times_s=np.arange(frames) / fps,
        track_ids=np.arange(1, len(lengths) + 1),
        row_offsets=np.cumsum([0, *lengths]),
        frame_index=np.concatenate([*index, np.zeros(0, np.int64)]).astype(np.int64),
        boxes_px=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1),
        scores=np.full(rows, 0.9, np.float32),
        keypoints_px=keypoints,
        keypoint_scores=np.full((rows, 17), 0.9, np.float32),
        observed=np.ones(rows, np.bool_),
    )
