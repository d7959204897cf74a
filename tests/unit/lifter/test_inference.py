"""Lifting gives VideoPose3D's numbers, whatever the chunks and batches.

The reference here is written apart from the network: one frame at a time, in NumPy, from the published architecture.
"""

from __future__ import annotations

import numpy as np
import pytest

from liftline.camera import Camera
from liftline.errors import Cancelled
from liftline.progress import FrameCounter, StopFlag
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.inference import Lifted, Lifter
from liftline_lifter.lifting.normalise import Normalisation
from tests.unit.lifter.random_networks import random_checkpoint, random_keypoints

CAMERA = Camera.assumed(1280, 720)
COCO_MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
H36M_MIRROR = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]


def lift(
    checkpoint: LifterCheckpoint, tracks: list[np.ndarray], *, flip: bool = True, batch_frames: int = 4096
) -> list[Lifted]:
    lifter = Lifter(checkpoint, flip=flip, batch_frames=batch_frames, device="cpu")
    return lifter.lift(tracks, camera=CAMERA, stop=StopFlag(), progress=FrameCounter())


class Reference:
    """The architecture of Pavllo et al. for one window, in float64."""

    def __init__(self, model: object, widths: tuple[int, ...], *, causal: bool) -> None:
        self.state = {k: v.double().numpy() for k, v in model.state_dict().items()}  # type: ignore[attr-defined]
        self.widths, self.causal = widths, causal

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        s = {part: self.state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
        return (x - s["running_mean"]) / np.sqrt(s["running_var"] + 1e-5) * s["weight"] + s["bias"]

    def conv(self, name: str, x: np.ndarray, dilation: int) -> np.ndarray:
        weight = self.state[f"{name}.weight"]
        width = weight.shape[2]
        steps = len(x) - dilation * (width - 1)
        return sum(x[k * dilation : k * dilation + steps] @ weight[:, :, k].T for k in range(width))

    def window(self, keypoints: np.ndarray) -> np.ndarray:
        x = np.maximum(self.norm("expand_bn", self.conv("expand_conv", keypoints.reshape(len(keypoints), -1), 1)), 0)
        dilation = self.widths[0]
        for block, width in enumerate(self.widths[1:]):
            cut = dilation * (width - 1)
            kept = x[cut:] if self.causal else x[cut // 2 : len(x) - cut // 2]
            x = np.maximum(self.norm(f"layers_bn.{2 * block}", self.conv(f"layers_conv.{2 * block}", x, dilation)), 0)
            x = self.norm(f"layers_bn.{2 * block + 1}", self.conv(f"layers_conv.{2 * block + 1}", x, 1))
            x = kept + np.maximum(x, 0)
            dilation *= width
        return (self.conv("shrink", x, 1) + self.state["shrink.bias"]).reshape(-1, 3)

    def track(self, keypoints_px: np.ndarray, *, flip: bool) -> np.ndarray:
        x = keypoints_px.astype(np.float64) / 1280 * 2 - [1, 720 / 1280]
        field = int(np.prod(self.widths))
        before = field - 1 if self.causal else field // 2
        out = []
        for frame in range(len(x)):
            window = x[np.clip(np.arange(frame - before, frame - before + field), 0, len(x) - 1)]
            pose = self.window(window)
            if flip:
                other = self.window(window[:, COCO_MIRROR] * [-1, 1]) * [-1, 1, 1]
                pose = (pose + (other[H36M_MIRROR] if len(other) == 17 else other)) / 2
            out.append(pose)
        return np.stack(out)


@pytest.mark.parametrize("frames", [1, 2, 40])
@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize(("widths", "causal"), [((3, 3), False), ((3, 5, 3), False), ((3, 3), True), ((1,), False)])
def test_lifting_equals_the_published_network_run_frame_by_frame(
    widths: tuple[int, ...], causal: bool, flip: bool, frames: int
) -> None:
    checkpoint = random_checkpoint(widths, 8, causal=causal, trajectory=True)
    keypoints = random_keypoints(frames)
    (lifted,) = lift(checkpoint, [keypoints], flip=flip)
    pose = Reference(checkpoint.pose_model, widths, causal=causal).track(keypoints, flip=flip)
    root = Reference(checkpoint.trajectory_model, widths, causal=causal).track(keypoints, flip=flip)
    np.testing.assert_allclose(lifted.joints_m, pose, atol=1e-4)
    assert lifted.root_m is not None
    np.testing.assert_allclose(lifted.root_m, root[:, 0], atol=1e-4)


@pytest.mark.parametrize("normalisation", list(Normalisation))
@pytest.mark.parametrize("batch_frames", [1, 9, 40, 100])
def test_chunks_and_batches_do_not_show_in_the_result(normalisation: Normalisation, batch_frames: int) -> None:
    checkpoint = random_checkpoint((3, 3, 3), 16, normalisation=normalisation)
    tracks = [random_keypoints(frames, seed=frames) for frames in (5, 120, 33, 1, 60)]
    together = lift(checkpoint, tracks, batch_frames=batch_frames)
    for track, result in zip(tracks, together, strict=True):
        (alone,) = lift(checkpoint, [track], batch_frames=10_000)
        np.testing.assert_allclose(result.joints_m, alone.joints_m, atol=1e-5)


def test_a_mirrored_person_is_lifted_to_the_mirrored_pose() -> None:
    keypoints = random_keypoints(30)
    mirrored = keypoints[:, COCO_MIRROR].copy()
    mirrored[..., 0] = 1280 - mirrored[..., 0]
    one, other = lift(random_checkpoint(), [keypoints, mirrored])
    np.testing.assert_allclose(other.joints_m[:, H36M_MIRROR] * [-1, 1, 1], one.joints_m, atol=1e-4)


def test_lifting_stops_when_told_to() -> None:
    stop = StopFlag()
    stop.stop()
    lifter = Lifter(random_checkpoint(), flip=True, batch_frames=100, device="cpu")
    with pytest.raises(Cancelled):
        lifter.lift([random_keypoints(10)], camera=CAMERA, stop=stop, progress=FrameCounter())


def test_progress_counts_every_frame() -> None:
    progress = FrameCounter()
    lifter = Lifter(random_checkpoint(), flip=True, batch_frames=20, device="cpu")
    lifter.lift([random_keypoints(57), random_keypoints(3)], camera=CAMERA, stop=StopFlag(), progress=progress)
    assert progress.frames == 60
