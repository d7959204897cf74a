"""What a network that reads scores, feet and hands is given of each frame, and its mirror image.

Per keypoint x and y as `normalise.by_person` gives them and the score, 0 where it is missing (x and y are 0 then, too).
Then which way is up, seen from the virtual camera and as long as it is trusted, and how large the person is in the
picture: the nearer somebody is, the more perspective tells of what points towards the camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline.skeletons import COCO17, HALPE26_HANDS, Skeleton
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES, NormalisedTrack, by_person_seen, repeat_edges

Floats = NDArray[np.float32]

_UNUSED = ("head", "neck", "hip")
_USED = tuple(name for name in HALPE26_HANDS.joints if name not in _UNUSED)

KEYPOINTS = Skeleton(
    name="lifter29",
    joints=_USED,
    edges=(),
    left=tuple(i for i, name in enumerate(_USED) if name.startswith("left_")),
    right=tuple(i for i, name in enumerate(_USED) if name.startswith("right_")),
)
"""The keypoints such a network reads: COCO-17, feet, hands."""

IN_HALPE26_HANDS: tuple[int, ...] = tuple(HALPE26_HANDS.index[name] for name in _USED)
"""For each of them, its place among the 32."""

FEATURES = 3 * len(KEYPOINTS) + 4
"""x, y of every keypoint; scores; up (3); size (1)."""

LEVEL_TRUST, UNKNOWN_UP = 0.5, np.zeros(3, np.float32)
"""How long up is where a level camera is assumed; a measured one has length 1, and 0 says nothing is known."""
LEVEL_UP = np.array([0.0, -LEVEL_TRUST, 0.0], np.float32)

_LEAST_SCORE = 0.02
"""Of a keypoint that is there: guessed, or interpolated where a detector saw nothing."""

_USUAL_SIZE = 0.12
"""Of somebody four metres away: mean distance of keypoints from the torso over depth."""

_SCORES = slice(2 * len(KEYPOINTS), 3 * len(KEYPOINTS))


def features(rays: Floats, scores: Floats, up: Floats) -> tuple[Floats, Floats]:
    """The network's input, and the way back to the camera.

    Args:
        rays: (..., T + 2 * SMOOTHING_FRAMES, 29, 2) `KEYPOINTS` as x/z, y/z; anything finite where the score is 0.
        scores: (..., T + 2 * SMOOTHING_FRAMES, 29), 0 where missing.
        up: (..., 3) in the camera's axes, as long as it is trusted.

    Returns:
        (..., T, FEATURES) and (..., T, 3, 3) rotations from the virtual camera to the real one.
    """
    seen = scores > 0
    xy, rotations, size = by_person_seen(rays, seen)
    inside = slice(SMOOTHING_FRAMES, rays.shape[-3] - SMOOTHING_FRAMES)
    xy *= seen[..., inside, :, None]
    turned_up = (up[..., None, None, :] @ rotations)[..., 0, :]
    size = np.log(size / np.float32(_USUAL_SIZE))[..., None]
    flat = xy.reshape(*xy.shape[:-2], -1)
    return np.concatenate([flat, scores[..., inside, :], turned_up, size], axis=-1, dtype=np.float32), rotations


def feature_track(
    keypoints_px: NDArray[np.floating],
    scores: NDArray[np.floating],
    *,
    camera: Camera,
    padding: tuple[int, int],
    up: Floats = LEVEL_UP,
) -> NormalisedTrack:
    """A whole track, padded by repeating its edge frames, ready for the dense network.

    Args:
        keypoints_px: (T, 17 or 32, 2) COCO-17 or `HALPE26_HANDS` in pixels, at the network's rate; NaN where missing.
        scores: (T, 17 or 32).
        camera: image size and focal length.
        padding: frames to repeat before and after, `TemporalModel.padding`.
        up: (3,) in the camera's axes, as long as it is trusted.

    Raises:
        ValueError: other shapes, or no frames.
    """
    count = keypoints_px.shape[1] if keypoints_px.ndim == 3 else 0
    if (
        count not in (len(COCO17), len(HALPE26_HANDS))
        or not len(keypoints_px)
        or scores.shape != keypoints_px.shape[:2]
    ):
        raise ValueError(
            f"keypoints must be (frames, {len(COCO17)} or {len(HALPE26_HANDS)}, 2) with a score each, "
            f"not {keypoints_px.shape} with {scores.shape}"
        )
    used = [place for place in IN_HALPE26_HANDS if place < count]
    own = keypoints_px[:, used]
    found = np.isfinite(own).all(axis=-1)
    rays = np.zeros((len(own), len(KEYPOINTS), 2), np.float32)
    told = np.zeros(rays.shape[:2], np.float32)
    rays[:, : len(used)] = camera.rays(np.where(found[..., None], own, 0))
    told[:, : len(used)] = np.where(found, np.clip(scores[:, used], _LEAST_SCORE, 1), 0)
    before, after = (margin + SMOOTHING_FRAMES for margin in padding)
    inputs, rotations = features(repeat_edges(rays, before, after), repeat_edges(told, before, after), up)
    return NormalisedTrack(inputs, rotations[padding[0] : padding[0] + len(own)])


def _mirror() -> tuple[NDArray[np.intp], Floats]:
    """(FEATURES,) which feature each one of the mirror image is, and its sign."""
    swapped = KEYPOINTS.mirrored
    xy = (2 * swapped[:, None] + np.arange(2)).reshape(-1)
    rest = np.arange(3 * len(KEYPOINTS), FEATURES)
    order = np.concatenate([xy, _SCORES.start + swapped, rest])
    sign = np.ones(FEATURES, np.float32)
    sign[: _SCORES.start : 2] = -1
    sign[_SCORES.stop] = -1
    return order, sign


MIRROR_ORDER, MIRROR_SIGN = _mirror()
"""`inputs[..., MIRROR_ORDER] * MIRROR_SIGN` are the features of the same person in a mirror."""
