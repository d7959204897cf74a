"""Motion capture: loading, the split, and bodies taken apart into bones.

Which recordings may be used for what is fixed by the data's licences (shared/data/README.md): weights that ship are
trained on CMU subjects only, HDM05 is for evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17, H36M17, H36M17_FEET_HANDS
from training.motion._feet import with_feet

MOCAP_FILE = Path("mocap/cmu_hdm05_50hz.npz")
SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TOES_FILE, MORE_FILE, REBUILT_FILE = "cmu_toes_50hz.npz", "cmu_more_50hz.npz", "cmu_rebuilt_50hz.npz"
"""Beside it: feet for its clips, more clips, and some of its own rebuilt on their subjects' bones."""

_FACE = COCO17.joints[:5]
FILE_JOINT_COUNT = len(H36M17) + len(_FACE)
JOINTS: tuple[str, ...] = (*H36M17.joints, *_FACE, *H36M17_FEET_HANDS.joints[len(H36M17) :])
"""All joints of a simulated body: Human3.6M-17, nose, eyes and ears (the files' 22), feet, then hands (simulated)."""
PARENTS: tuple[int, ...] = (
    *H36M17.parents, *[H36M17.index["head"]] * len(_FACE), *H36M17_FEET_HANDS.parents[len(H36M17) :]
)  # fmt: skip
CAPTURED = FILE_JOINT_COUNT + 6
"""So many of `JOINTS`, the first ones, are captured: all but hands."""

FILE_JOINTS: tuple[str, ...] = (
    "Hip", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Spine", "Thorax", "NeckNose", "Head",
    "LShoulder", "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist", "Nose", "LEye", "REye", "LEar", "REar",
)  # fmt: skip
"""The files' joints by their names."""

TRAINING_SOURCE = "CMU"
HELD_OUT_CMU = "cmu_02"

_COCO_TO_H36M = {"left_ankle": "left_foot", "right_ankle": "right_foot"}
COCO_IN_JOINTS: tuple[int, ...] = tuple(JOINTS.index(_COCO_TO_H36M.get(name, name)) for name in COCO17.joints)
"""For every COCO keypoint, the joint it sits on."""


def _mirror_name(name: str) -> str:
    if name.startswith("left_"):
        return name.replace("left_", "right_")
    return name.replace("right_", "left_")


MIRRORED: NDArray[np.intp] = np.array([JOINTS.index(_mirror_name(name)) for name in JOINTS])
"""(J,) permutation that swaps left and right joints."""


@dataclass(frozen=True)
class Motion:
    """Clips of one or more people, one after the other.

    Attributes:
        joints_m: (N, CAPTURED, 3) float32 joints relative to the hip, metres, z up; feet are NaN where unknown.
        root_m: (N, 3) float32 hip, metres.
        starts, lengths: (K,) first frame and number of frames of each clip.
        subjects, sources, clips: (K,) who, from which database and under which name there.
        rate_hz: frames per second.
    """

    joints_m: NDArray[np.float32]
    root_m: NDArray[np.float32]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    subjects: NDArray[np.str_]
    sources: NDArray[np.str_]
    clips: NDArray[np.str_]
    rate_hz: float

    @property
    def frames(self) -> NDArray[np.intp]:
        """(M, 2) every frame of every clip as (clip, frame within it)."""
        clips = np.repeat(np.arange(len(self.lengths)), self.lengths)
        within = np.concatenate([np.arange(length) for length in self.lengths])
        return np.stack([clips, within], axis=1)

    def only(self, keep: NDArray[np.bool_]) -> Motion:
        """The clips for which `keep` (K,) holds, without the frames of the others."""
        chosen = np.flatnonzero(keep)
        if not len(chosen):
            raise ValueError("no clip of the motion capture is left by this choice")
        rows = np.concatenate(
            [np.arange(s, s + n) for s, n in zip(self.starts[chosen], self.lengths[chosen], strict=True)]
        )
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return Motion(
            self.joints_m[rows], self.root_m[rows], starts, lengths,
            self.subjects[chosen], self.sources[chosen], self.clips[chosen], self.rate_hz,
        )  # fmt: skip


def default_mocap_path() -> Path:
    """The motion capture beside the checkout; it need not be there."""
    return SHARED_DATA / MOCAP_FILE


def load_motion(path: Path) -> Motion:
    """Read the motion capture file described in shared/data/README.md, with the feet that lie beside it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it has other joints than expected.
    """
    toes = path.with_name(TOES_FILE)
    if not toes.exists():
        return _read(path, None)
    with np.load(toes, allow_pickle=False) as file:
        return _read(path, file["toes"])


def load_training(path: Path) -> Motion:
    """All that shipped weights may learn from: `training_split`, more clips, and clips rebuilt on their own bones.

    The bodies that rebuilt clips had before stay in, too, as other bodies that move alike: without them every body like
    theirs came out wrong (subject 02 sits on the same one: 54 mm instead of 42). Of clips retargeted to another body at
    30 Hz only postures are kept that there are too few of otherwise.
    """
    parts = [load_motion(path)]
    if (more := path.with_name(MORE_FILE)).exists():
        parts.append(_read(more, None).only(_worth_keeping(more)))
    if (rebuilt := path.with_name(REBUILT_FILE)).exists():
        again = _read(rebuilt, None)
        parts.append(replace(again, subjects=np.char.add(again.subjects, " on its own bones")))
    return training_split(joined(parts))


def _worth_keeping(path: Path) -> NDArray[np.bool_]:
    """(K,) the clips that sit on their own subject's skeleton, and what of the others lies or stands on its hands."""
    with np.load(path, allow_pickle=False) as file:
        rare = (file["kind"] == "lying") | (np.char.find(file["description"], "HandStand") >= 0)
        return np.asarray((file["rig"] != "dm") | rare)


def _read(path: Path, toes: NDArray[np.float16] | None) -> Motion:
    with np.load(path, allow_pickle=False) as file:
        if (
            tuple(file["joints"].tolist()) != FILE_JOINTS
            or tuple(file["parents"].tolist()) != PARENTS[:FILE_JOINT_COUNT]
        ):
            raise ValueError(f"{path}: other joints than the {FILE_JOINT_COUNT} expected")
        joints_m = file["pos"].astype(np.float32)
        if toes is None and "toes" in file:
            toes = file["toes"]
        return Motion(
            joints_m=with_feet(joints_m, None if toes is None else toes.astype(np.float32)),
            root_m=file["root"].astype(np.float32),
            starts=file["start"].astype(np.intp),
            lengths=file["length"].astype(np.intp),
            subjects=file["subject"],
            sources=file["source"],
            clips=file["clip"],
            rate_hz=float(file["fps"]),
        )


def training_split(motion: Motion) -> Motion:
    """What shipped weights may learn from: CMU without the held-out subject, nothing of HDM05."""
    return motion.only((motion.sources == TRAINING_SOURCE) & (motion.subjects != HELD_OUT_CMU))


def held_out_split(motion: Motion) -> Motion:
    """What results are measured on: every HDM05 actor, and one CMU subject."""
    return motion.only((motion.sources != TRAINING_SOURCE) | (motion.subjects == HELD_OUT_CMU))


def at_speed(motion: Motion, speed: float) -> Motion:
    """The same motion played `speed` times as fast, at the same rate, linearly interpolated."""
    lengths = np.maximum(1, ((motion.lengths - 1) / speed).astype(np.intp) + 1)
    time = np.concatenate([np.arange(n) * speed for n in lengths])
    first = np.repeat(motion.starts, lengths)
    last = first + np.repeat(motion.lengths, lengths) - 1
    below = np.minimum(first + time.astype(np.intp), last)
    above = np.minimum(below + 1, last)
    weight = (time - np.floor(time)).astype(np.float32)[:, None]
    root = motion.root_m[below] * (1 - weight) + motion.root_m[above] * weight
    weight = weight[:, None]
    joints = motion.joints_m[below] * (1 - weight) + motion.joints_m[above] * weight
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return Motion(joints, root, starts, lengths, motion.subjects, motion.sources, motion.clips, motion.rate_hz)


def joined(motions: list[Motion]) -> Motion:
    """Several sets of clips as one."""
    offsets = np.cumsum([0] + [len(m.joints_m) for m in motions[:-1]])
    return Motion(
        np.concatenate([m.joints_m for m in motions]),
        np.concatenate([m.root_m for m in motions]),
        np.concatenate([m.starts + offset for m, offset in zip(motions, offsets, strict=True)]),
        np.concatenate([m.lengths for m in motions]),
        np.concatenate([m.subjects for m in motions]),
        np.concatenate([m.sources for m in motions]),
        np.concatenate([m.clips for m in motions]),
        motions[0].rate_hz,
    )
