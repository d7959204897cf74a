"""Made-up motion capture in the shared file's format: people who walk in circles and wave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.motion.data import FILE_JOINT_COUNT, FILE_JOINTS, MORE_FILE, PARENTS, REBUILT_FILE, TOES_FILE

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
    """One clip of `frames` frames for each of `CLIPS`, without feet."""
    _write(path, CLIPS, frames)
    return path


def write_feet_and_more(path: Path, *, frames: int = 150) -> None:
    """Beside it: feet of all clips but the last two, one clip more, one to be dropped, one instead of walk_1."""
    toes = np.concatenate([_feet(frames) for _ in CLIPS])
    toes[-2 * frames :] = np.nan
    np.savez(path.with_name(TOES_FILE), toes=toes.astype(np.float16))
    told = {"rig": np.array(["cmu", "dm"]), "kind": np.array(["walking", "martial"]), "description": np.array(["", ""])}
    _write(path.with_name(MORE_FILE), (("CMU", "cmu_09"), ("CMU", "cmu_90")), frames, toes=True, **told)
    _write(path.with_name(REBUILT_FILE), (("CMU", "cmu_05"),), frames, toes=True, replaces=np.array(["walk_1"]))


def _feet(frames: int) -> NDArray[np.float64]:
    """(T, 4, 3) toes and heels of somebody who stands."""
    left = np.array([[0.1, -0.15, -0.95], [0.1, 0.05, -0.95]])
    return np.repeat(np.concatenate([left, left * [-1, 1, 1]])[None], frames, axis=0)


def _write(
    path: Path, who: tuple[tuple[str, str], ...], frames: int, *, toes: bool = False, **more: NDArray[np.str_]
) -> None:
    clips = [_walk(frames, phase, 0.9 + 0.05 * phase) for phase in range(len(who))]
    angle = np.linspace(0, 2, frames)
    way = np.stack([np.sin(angle), np.cos(angle), np.ones(frames)], axis=1)
    np.savez(
        path,
        pos=np.concatenate(clips).astype(np.float16),
        root=np.tile(way, (len(who), 1)).astype(np.float32),
        source=np.array([source for source, _ in who]),
        subject=np.array([subject for _, subject in who]),
        clip=np.array([f"walk_{i}" for i in range(len(who))]),
        start=np.arange(len(who), dtype=np.int32) * frames,
        length=np.full(len(who), frames, np.int32),
        joints=np.array(FILE_JOINTS),
        parents=np.array(PARENTS[:FILE_JOINT_COUNT]),
        fps=np.int64(50),
        **({"toes": np.concatenate([_feet(frames) for _ in who]).astype(np.float16)} if toes else {}),
        **more,
    )


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
