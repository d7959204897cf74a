"""`python -m liftline_lifter`: the lifter as a service, set by its environment (`docs/settings.md`)."""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

import numpy as np

from liftline.camera import Camera
from liftline.models.devices import resolve_device
from liftline.pipeline.handler import LoadedService, Service
from liftline.progress import FrameCounter, StopFlag
from liftline.service.bootstrap import run_worker
from liftline.settings.environment import load
from liftline.settings.machine import load_settings
from liftline.skeletons import COCO17
from liftline_lifter.handlers import STAGES, lifter_service
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.lifting.inference import Lifter
from liftline_lifter.settings import LifterSettings


def load_service() -> LoadedService:
    """The weights that the environment names, warm. Raises UsageError, ModelError."""
    settings = load(LifterSettings)
    device = str(resolve_device(settings.device))
    checkpoint = load_checkpoint(settings.checkpoint or bundled_checkpoint_path(), causal=settings.causal)
    warm_up(checkpoint, device=device)
    return lifter_service(checkpoint, settings, load_settings(), device=device)


def warm_up(checkpoint: LifterCheckpoint, *, device: str) -> None:
    """Put the networks onto the device and run them once."""
    keypoints = np.random.default_rng(0).uniform(0, 200, (checkpoint.pose_model.receptive_field, len(COCO17), 2))
    lifter = Lifter(checkpoint, flip=True, batch_frames=len(keypoints), device=device)
    lifter.lift([keypoints], camera=Camera.assumed(200, 200), stop=StopFlag(), progress=FrameCounter())


SERVICE = Service("lifter", STAGES, load_service)

if __name__ == "__main__":
    run_worker(SERVICE)
