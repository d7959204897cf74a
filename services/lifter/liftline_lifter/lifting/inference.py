"""Run the lifting network over tracks: VideoPose3D's inference, in batches of bounded size.

Edge frames are repeated as far as the network sees, and (test-time augmentation) the mirrored track is lifted too,
mirrored back and averaged: Pavllo et al., CVPR 2019. A track is cut into chunks that overlap by the receptive field,
so every frame gets what it would get in one piece; chunks of several short tracks share a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from liftline.camera import Camera
from liftline.ports import Progress, StopToken
from liftline.skeletons import COCO17, pose_skeleton
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.features import MIRROR_ORDER, MIRROR_SIGN, feature_track
from liftline_lifter.lifting.network import TemporalModel
from liftline_lifter.lifting.normalise import Normalisation, NormalisedTrack, normalise_track


@dataclass(frozen=True)
class Lifted:
    """A lifted track, camera space.

    joints_m (T,17,3), or (T,29,3) of a network that gives feet and hands, too, root-relative; root_m (T,3) of a
    trajectory network, or None.
    """

    joints_m: NDArray[np.float32]
    root_m: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Chunk:
    track: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class Lifter:
    """A checkpoint ready to lift tracks.

    Args:
        checkpoint: pose network and, in some, trajectory network.
        flip: also lift the mirrored track and average.
        batch_frames: frames in one batch, repeated edges included; what bounds memory.
        device: a torch device.
    """

    def __init__(self, checkpoint: LifterCheckpoint, *, flip: bool, batch_frames: int, device: str) -> None:
        self._checkpoint = checkpoint
        self._flip = flip
        self._batch_frames = batch_frames
        self._device = torch.device(device)
        checkpoint.pose_model.to(self._device).eval()
        if checkpoint.trajectory_model is not None:
            checkpoint.trajectory_model.to(self._device).eval()

    @property
    def chunk_frames(self) -> int:
        """Frames of a track that one chunk has: what a batch holds without the repeated edges."""
        return max(self._batch_frames - self._checkpoint.pose_model.receptive_field + 1, 1)

    def lift(
        self,
        tracks: Sequence[NDArray[np.floating]],
        *,
        camera: Camera,
        stop: StopToken,
        progress: Progress,
        scores: Sequence[NDArray[np.floating]] | None = None,
    ) -> list[Lifted]:
        """Lift tracks of (T,17,2) keypoints in pixels, none missing, at the checkpoint's rate.

        A network that reads scores and more keypoints takes (T,32,2) too, and `scores` (T,17) or (T,32); without them
        all are sure.
        """
        model = self._checkpoint.pose_model
        scores = scores or [np.ones(track.shape[:2], np.float32) for track in tracks]
        padded = [self._input(*each, camera) for each in zip(tracks, scores, strict=True)]
        poses = [np.empty((len(track), model.joints_out, 3), np.float32) for track in tracks]
        roots = [np.empty((len(track), 1, 3), np.float32) for track in tracks]
        trajectory = self._checkpoint.trajectory_model
        for batch in self._batches([len(track) for track in tracks]):
            stop.raise_if_stopped()
            inputs = _stacked(batch, padded, margin=sum(model.padding))
            _scatter(batch, self._run(model, inputs), poses)
            if trajectory is not None:
                _scatter(batch, self._run(trajectory, inputs), roots)
            progress.advance(sum(len(chunk) for chunk in batch))
        return [
            Lifted(track.to_camera(pose), None if trajectory is None else track.to_camera(root)[:, 0])
            for track, pose, root in zip(padded, poses, roots, strict=True)
        ]

    def _input(self, track: NDArray[np.floating], scores: NDArray[np.floating], camera: Camera) -> NormalisedTrack:
        padding, normalisation = self._checkpoint.pose_model.padding, self._checkpoint.normalisation
        if normalisation is Normalisation.PERSON_FEATURES:
            return feature_track(track, scores, camera=camera, padding=padding)
        return normalise_track(track, normalisation=normalisation, camera=camera, padding=padding)

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[_Chunk]]:
        """Chunks of all tracks, those of similar length together, longest first."""
        size, margin = self.chunk_frames, sum(self._checkpoint.pose_model.padding)
        chunks = [
            _Chunk(track, start, min(start + size, length))
            for track, length in enumerate(lengths)
            for start in range(0, length, size)
        ]
        chunks.sort(key=len, reverse=True)
        while chunks:
            count = max(self._batch_frames // (len(chunks[0]) + margin), 1)
            yield chunks[:count]
            del chunks[:count]

    def _run(self, model: TemporalModel, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, T + margin, ...) -> (B, T, J, 3)."""
        with torch.inference_mode():
            keypoints = torch.from_numpy(inputs).to(self._device)
            out: Tensor = model(keypoints)
            if self._flip:
                out = (out + _mirrored_joints(model(_mirrored_keypoints(keypoints)))) / 2
            return np.asarray(out.cpu().numpy(), np.float32)


def _mirrored_keypoints(keypoints: Tensor) -> Tensor:
    """(...,17,2) normalised keypoints, or (...,FEATURES), of the same person in a mirror."""
    if keypoints.ndim == 3:
        order, sign = torch.from_numpy(MIRROR_ORDER).to(keypoints.device), torch.from_numpy(MIRROR_SIGN)
        return keypoints[..., order] * sign.to(keypoints.device)
    order = torch.from_numpy(COCO17.mirrored).to(keypoints.device)
    return keypoints[..., order, :] * keypoints.new_tensor([-1.0, 1.0])


def _mirrored_joints(joints: Tensor) -> Tensor:
    """(...,J,3) joints of the same person in a mirror; J is 17, 29, or 1 for a trajectory."""
    flipped = joints * joints.new_tensor([-1.0, 1.0, 1.0])
    if joints.shape[-2] == 1:
        return flipped
    mirrored = torch.from_numpy(pose_skeleton(joints.shape[-2]).mirrored)
    return flipped[..., mirrored.to(joints.device), :]


def _stacked(batch: list[_Chunk], padded: Sequence[NormalisedTrack], *, margin: int) -> NDArray[np.float32]:
    """The chunks' inputs as one array; shorter ones repeat their last frame, whose output nobody reads."""
    longest = max(len(chunk) for chunk in batch) + margin
    out = np.empty((len(batch), longest, *padded[batch[0].track].inputs.shape[1:]), np.float32)
    for row, chunk in zip(out, batch, strict=True):
        own = padded[chunk.track].inputs[chunk.start : chunk.stop + margin]
        row[: len(own)] = own
        row[len(own) :] = own[-1]
    return out


def _scatter(batch: list[_Chunk], results: NDArray[np.float32], into: Sequence[NDArray[np.float32]]) -> None:
    for chunk, result in zip(batch, results, strict=True):
        into[chunk.track][chunk.start : chunk.stop] = result[: len(chunk)]
