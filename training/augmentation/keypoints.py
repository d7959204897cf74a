"""Where detectors see joints: on the surface of a body, not in its joints' centres.

A detector has learned from people who clicked on pictures: a hip is the hollow beside the pelvis, a shoulder the
acromion, a knee the kneecap, an ankle its outer bone. So a keypoint lies on its joint and aside from it by an offset in
the body's own axes, which differs between detectors and bodies. It is a mean and a spread here, in the simulation;
what the network is asked for are the centres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17
from liftline_lifter.lifting.features import KEYPOINTS
from training.motion.data import COCO_IN_JOINTS, JOINTS

Floats = NDArray[np.float32]

_AT = {name: i for i, name in enumerate(JOINTS)}
IN_JOINTS: tuple[int, ...] = (*COCO_IN_JOINTS, *(_AT[name] for name in KEYPOINTS.joints[len(COCO17) :]))
"""For every keypoint, the joint it sits on."""

# Parts of a bone by which keypoints lie aside: mean, standard deviation between detectors and bodies.
_HIP_OUT, _HIP_UP = (0.03, 0.14), (0.02, 0.08)
_SHOULDER_OUT, _SHOULDER_UP = (0.01, 0.07), (0.02, 0.05)
_HINGE_OUT = (0.02, 0.02)
"""Along the upper bone and against the lower: nothing where straight, towards kneecap and elbow where bent."""
_ALONG = (0.0, 0.03)
_FACE_UP, _FACE_OUT = (0.0, 0.12), (0.0, 0.08)
_FOOT = (0.0, 0.10)
_HAND = (0.0, 0.12)


def keypoint_weights(count: int, rng: np.random.Generator | None) -> Floats:
    """(B, J, K) weights of the joints in each keypoint. Without a generator, keypoints sit on the joints."""
    weights = np.zeros((count, len(JOINTS), len(KEYPOINTS)), np.float32)
    weights[:, IN_JOINTS, np.arange(len(KEYPOINTS))] = 1
    if rng is not None:
        _move_trunk(weights, rng)
        _move_limbs(weights, rng)
        _move_ends(weights, rng)
    return weights


def _shift(weights: Floats, keypoint: str, towards: str, origin: str, share: NDArray[np.floating]) -> None:
    """Move a keypoint by a share of the way from one joint to another."""
    column = KEYPOINTS.index[keypoint]
    weights[:, _AT[towards], column] += share
    weights[:, _AT[origin], column] -= share


def _move_trunk(weights: Floats, rng: np.random.Generator) -> None:
    wide, high, out, up = (rng.normal(*one, len(weights)) for one in (_HIP_OUT, _HIP_UP, _SHOULDER_OUT, _SHOULDER_UP))
    for near, far in (("left", "right"), ("right", "left")):
        _shift(weights, f"{near}_hip", f"{near}_hip", f"{far}_hip", wide)
        _shift(weights, f"{near}_hip", "spine", "hip", high)
        _shift(weights, f"{near}_shoulder", f"{near}_shoulder", f"{far}_shoulder", out)
        _shift(weights, f"{near}_shoulder", "thorax", "spine", up)
    lift, stretch = (rng.normal(*one, len(weights)) for one in (_FACE_UP, _FACE_OUT))
    for keypoint in COCO17.joints[:5]:
        _shift(weights, keypoint, "head", "neck", lift)
        _shift(weights, keypoint, keypoint, "head", stretch)


def _move_limbs(weights: Floats, rng: np.random.Generator) -> None:
    for side in ("left", "right"):
        for upper, hinge, end, end_keypoint in (
            ("shoulder", "elbow", "wrist", "wrist"),
            ("hip", "knee", "foot", "ankle"),
        ):
            out = rng.normal(*_HINGE_OUT, len(weights))
            middle, last = f"{side}_{hinge}", f"{side}_{end}"
            _shift(weights, middle, middle, f"{side}_{upper}", out + rng.normal(*_ALONG, len(weights)))
            _shift(weights, middle, middle, last, out)
            _shift(weights, f"{side}_{end_keypoint}", last, middle, rng.normal(*_ALONG, len(weights)))


def _move_ends(weights: Floats, rng: np.random.Generator) -> None:
    for side in ("left", "right"):
        for part in ("heel", "big_toe", "small_toe"):
            for other in ("foot", "heel", "big_toe"):
                if other != part:
                    _shift(
                        weights, f"{side}_{part}", f"{side}_{part}", f"{side}_{other}", rng.normal(*_FOOT, len(weights))
                    )
        for part in ("thumb", "index", "pinky"):
            for other in ("wrist", "index"):
                if other != part:
                    _shift(
                        weights, f"{side}_{part}", f"{side}_{part}", f"{side}_{other}", rng.normal(*_HAND, len(weights))
                    )
