"""From keypoints in pixels to what a lifting network was trained on.

Two normalisations exist, and a checkpoint names its own:

`image_width` is VideoPose3D's: x / width * 2 - 1, and y by the same scale. It keeps where the person is in the image.

`person` looks at the person with a virtual camera, as in Yu et al., "PCLs: Geometry-aware Neural Reconstruction of 3D
Pose with Perspective Crop Layers", CVPR 2021. The camera is turned (yaw and pitch, no roll) until the person's torso is
in the image's centre, and the result is scaled by how far the keypoints spread in the real image. A person at the
image's border then looks as one in its centre (up to a tenth smaller, which training shows the network), and the
network's output is turned back by the same rotation.

`person_features` does the same for networks that read scores, feet and hands, too (`features`).
The torso is the mean of shoulders and hips, so left-right swaps don't move it. It and the spread are means over
the `2 * SMOOTHING_FRAMES + 1` frames around each frame, so one bad keypoint hardly moves either. A frame depends on
those frames alone: a window of a longer track is normalised as the track is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline.skeletons import COCO17

SMOOTHING_FRAMES = 8
"""Half width of the moving means behind `person`; 17 frames are a third of a second at 50 Hz."""

_TORSO = COCO17.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_SMALLEST_SPREAD = 1e-6
"""Below it all keypoints are one point; scaling by it would give infinities."""

_ONLY_TORSO = np.isin(np.arange(len(COCO17)), _TORSO).astype(np.float32)
_USUAL_DISTANCE = np.array(
    (0.91, 0.98, 0.98, 0.92, 0.92, 0.62, 0.62, 0.63, 0.63, 0.87, 0.87, 0.58, 0.58, 1.37, 1.37, 2.12, 2.12), np.float32
)
_USUAL_DISTANCE /= _USUAL_DISTANCE.mean()
"""Of each keypoint from the torso's centre, over their mean: medians of the training's simulated windows."""


class Normalisation(StrEnum):
    """How a network's input was scaled in training."""

    IMAGE_WIDTH = "image_width"
    PERSON = "person"
    PERSON_FEATURES = "person_features"


@dataclass(frozen=True)
class NormalisedTrack:
    """A network's input for a track of T frames, and the way back to the real camera.

    Attributes:
        inputs: (before + T + after, 17, 2), or (before + T + after, F) features; float32, edge frames repeated.
        rotations: (T, 3, 3) float32, from the network's camera to the real one; None where they are the same.
    """

    inputs: NDArray[np.float32]
    rotations: NDArray[np.float32] | None

    def to_camera(self, joints_m: NDArray[np.floating]) -> NDArray[np.float32]:
        """(T, J, 3) root-relative network output -> (T, J, 3) root-relative joints in camera space."""
        if self.rotations is None:
            return np.asarray(joints_m, np.float32)
        return np.asarray(joints_m @ np.swapaxes(self.rotations, 1, 2), np.float32)


def normalise_track(
    keypoints_px: NDArray[np.floating],
    *,
    normalisation: Normalisation,
    camera: Camera,
    padding: tuple[int, int],
) -> NormalisedTrack:
    """A whole track, padded by repeating its edge frames, ready for the dense network.

    Args:
        keypoints_px: (T, 17, 2) COCO keypoints in pixels, none missing, at the network's rate.
        normalisation: the checkpoint's.
        camera: image size, and for `person` the focal length.
        padding: frames to repeat before and after, `TemporalModel.padding`.

    Raises:
        ValueError: another shape, no frames, or missing (non-finite) keypoints.
    """
    if keypoints_px.ndim != 3 or keypoints_px.shape[1:] != (len(COCO17), 2) or not len(keypoints_px):
        raise ValueError(f"keypoints must be (frames, {len(COCO17)}, 2), not {keypoints_px.shape}")
    if not np.isfinite(keypoints_px).all():
        raise ValueError("keypoints are missing in some frames: interpolate them before lifting")
    before, after = padding
    if normalisation is Normalisation.IMAGE_WIDTH:
        scaled = by_image_width(keypoints_px, camera.width_px, camera.height_px)
        return NormalisedTrack(repeat_edges(scaled, before, after), None)
    rays = camera.rays(keypoints_px)
    inputs, rotations = by_person(repeat_edges(rays, before + SMOOTHING_FRAMES, after + SMOOTHING_FRAMES))
    return NormalisedTrack(inputs, rotations[before : before + len(keypoints_px)])


def by_image_width(keypoints_px: NDArray[np.floating], width_px: int, height_px: int) -> NDArray[np.float32]:
    """(..., 2) pixels -> x in -1..1 over the image's width, y with the same scale around the image's middle."""
    scaled = keypoints_px / width_px * 2 - np.array([1.0, height_px / width_px])
    return np.asarray(scaled, np.float32)


def by_person(rays: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The view of a virtual camera that follows the person.

    Args:
        rays: (..., T + 2 * SMOOTHING_FRAMES, 17, 2) keypoints as x/z, y/z, `Camera.rays`.

    Returns:
        (..., T, 17, 2) float32 keypoints around 0, their mean distance from the torso about 1, and
        (..., T, 3, 3) float32 rotations from the virtual camera to the real one.
    """
    rays = np.asarray(rays, np.float32)
    centre = rays[..., _TORSO, :].mean(axis=-2)
    offset = rays - centre[..., None, :]
    spread = np.sqrt(np.square(offset).sum(axis=-1)).mean(axis=-1)
    inputs, rotations, _ = _seen_from(rays, centre, spread)
    return inputs, rotations


def by_person_seen(
    rays: NDArray[np.float32], seen: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The same where keypoints are missing, for any keypoints of which COCO-17 are the first.

    What is missing takes no part in centre and size; those left count by how far they usually are from the torso.

    Args:
        rays: (..., T + 2 * SMOOTHING_FRAMES, K, 2), finite.
        seen: (..., T + 2 * SMOOTHING_FRAMES, K).

    Returns:
        (..., T, K, 2) keypoints, (..., T, 3, 3) rotations, (..., T) the size that keypoints were divided by, 1 at
        45 degrees.
    """
    body, there = rays[..., : len(COCO17), :], seen[..., : len(COCO17)].astype(np.float32)
    torso = there[..., _TORSO]
    # Nothing of the torso to be seen: whatever else is.
    weights = np.where(torso.any(axis=-1, keepdims=True), _ONLY_TORSO * there, there)
    centre = (weights[..., None] * body).sum(axis=-2) / np.maximum(weights.sum(axis=-1), 1)[..., None]
    distance = np.sqrt(np.square(body - centre[..., None, :]).sum(axis=-1))
    usual = np.maximum((there * _USUAL_DISTANCE).sum(axis=-1), _SMALLEST_SPREAD)
    return _seen_from(rays, centre, (there * distance).sum(axis=-1) / usual)


def _seen_from(
    rays: NDArray[np.float32], centre: NDArray[np.float32], spread: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Keypoints, rotations and sizes of `SMOOTHING_FRAMES` fewer frames at each end, seen by the virtual camera."""
    centre, spread = _moving_mean(centre, axis=-2), _moving_mean(spread, axis=-1)
    rays = rays[..., SMOOTHING_FRAMES : rays.shape[-3] - SMOOTHING_FRAMES, :, :]
    rotations = looking_at(centre)
    turned = rays @ rotations[..., :2, :] + rotations[..., 2:, :]
    ahead = np.maximum(turned[..., 2:], 0.1)  # a keypoint 84 degrees off the person is no keypoint
    spread = np.maximum(spread, _SMALLEST_SPREAD)
    return turned[..., :2] / (ahead * spread[..., None, None]), rotations, spread


def looking_at(rays: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 2) rays as x/z, y/z -> (..., 3, 3) rotations whose columns are a level camera's right, down and forward."""
    x, y = rays[..., 0], rays[..., 1]
    level = np.sqrt(1 + x * x)
    length = np.sqrt(1 + x * x + y * y)
    zero = np.zeros_like(x)
    right = np.stack([1 / level, zero, -x / level], axis=-1)
    forward = np.stack([x / length, y / length, 1 / length], axis=-1)
    down = np.stack([-x * y / (level * length), level / length, -y / (level * length)], axis=-1)
    return np.asarray(np.stack([right, down, forward], axis=-1), np.float32)


def _moving_mean(values: NDArray[np.float32], *, axis: int) -> NDArray[np.float32]:
    """Mean over 2 * SMOOTHING_FRAMES + 1 frames along `axis`, which gets 2 * SMOOTHING_FRAMES frames shorter.

    Added up in the same order everywhere, so that a window's result equals the whole track's bit for bit.
    """
    values = np.moveaxis(values, axis, 0)
    width = 2 * SMOOTHING_FRAMES + 1
    total = np.zeros_like(values[width - 1 :])
    for first in range(width):
        total += values[first : first + len(total)]
    return np.moveaxis(total / np.float32(width), 0, axis)


def repeat_edges(track: NDArray[np.floating], before: int, after: int) -> NDArray[np.floating]:
    """(T, ...) -> (before + T + after, ...)."""
    return np.pad(track, ((before, after), *[(0, 0)] * (track.ndim - 1)), mode="edge")
