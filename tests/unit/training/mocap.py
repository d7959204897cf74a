"""Made-up motion capture in the shared file's format: people who walk in circles and wave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.motion.data import FILE_JOINTS, PARENTS

# Facing -y, so left is +x.
_BONES_M = {
    "RHip": (-0.1, 0, 0), "RKnee": (0, 0, -0.44), "RAnkle": (0, 0, -0.44),
    "LHip": (0.1, 0, 0), "LKnee": (0, 0, -0.44), "LAnkle": (0, 0, -0.44),
    "Spine": (0, 0, 0.23), "Thorax": (0, 0, 0.26), "NeckNose": (0, -0.04, 0.1), "Head": (0, 0.02, 0.11),
    "LShoulder": (0.17, 0, 0.0), "LElbow": (0, 0, -0.28), "LWrist": (0, 0, -0.25),
    "RShoulder": (-0.17, 0, 0.0), "RElbow": (0, 0, -0.28), "RWrist": (0, 0, -0.25),
    "Nose": (0, -0.1, -0.02), "LEye": (0.03, -0.08, 0.01), "REye": (-0.03, -0.08, 0.01),
    "LEar": (0.07, 0, 0), "REar": (-0.07, 0, 0),
}  # fmt: skip
_SWING_RAD = {
    "RKnee": 0.5, "RAnkle": -0.3, "LKnee": -0.5, "LAnkle": 0.3,
    "LElbow": 0.6, "LWrist": 0.9, "RElbow": -0.6, "RWrist": -0.9,
}  # fmt: skip

CLIPS = (("CMU", "cmu_01"), ("CMU", "cmu_05"), ("CMU", "cmu_02"), ("HDM05", "hdm_bd"), ("HDM05", "hdm_tr"))


def write_mocap(path: Path, *, frames: int = 150) -> Path:
    """One clip of `frames` frames for each of `CLIPS`."""
    clips = [_walk(frames, phase, 0.9 + 0.05 * phase) for phase in range(len(CLIPS))]
    angle = np.linspace(0, 2, frames)
    way = np.stack([np.sin(angle), np.cos(angle), np.ones(frames)], axis=1)
    np.savez(
        path,
        pos=np.concatenate(clips).astype(np.float16),
        root=np.tile(way, (len(CLIPS), 1)).astype(np.float32),
        source=np.array([source for source, _ in CLIPS]),
        subject=np.array([subject for _, subject in CLIPS]),
        clip=np.array([f"walk_{i}" for i in range(len(CLIPS))]),
        start=np.arange(len(CLIPS), dtype=np.int32) * frames,
        length=np.full(len(CLIPS), frames, np.int32),
        joints=np.array(FILE_JOINTS),
        parents=np.array(PARENTS),
        fps=np.int64(50),
    )
    return path


def _walk(frames: int, phase: float, size: float) -> NDArray[np.float64]:
    """(T, 22, 3) a body with swinging limbs that turns around."""
    time = np.arange(frames) / 50
    joints = np.zeros((frames, len(FILE_JOINTS), 3))
    turned = np.zeros((frames, len(FILE_JOINTS)))
    for joint, name in enumerate(FILE_JOINTS[1:], start=1):
        parent = PARENTS[joint]
        swing = _SWING_RAD.get(name, 0.0) * np.sin(2 * np.pi * time + phase)
        turned[:, joint] = turned[:, parent] + swing
        joints[:, joint] = joints[:, parent] + size * _about_x(np.array(_BONES_M[name]), turned[:, joint])
    heading = time + phase
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y, z = np.moveaxis(joints, -1, 0)
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)


def _about_x(vector: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = vector
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.full_like(angle, x), cos * y - sin * z, sin * y + cos * z], axis=-1)
