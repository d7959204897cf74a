"""`python -m liftline_lifter`: the lifter as a service, set by its environment (`docs/settings.md`)."""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

import numpy as np

from liftline.camera import Camera
from liftline.jobs.naming import Stage
from liftline.models.devices import resolve_device
from liftline.pipeline.handler import LoadedService, Service
from liftline.progress import FrameCounter, StopFlag
from liftline.service.bootstrap import run_worker
from liftline.settings.environment import load
from liftline.settings.machine import load_settings
from liftline.skeletons import COCO17
from liftline_lifter.handlers import LiftHandler, TrackHandler
from liftline_lifter.lifting.checkpoint import (
    LifterCheckpoint,
    bundled_checkpoint_path,
    checkpoint_model,
    load_checkpoint,
)
from liftline_lifter.lifting.inference import Lifter
from liftline_lifter.settings import LifterSettings

AT_ONCE = 2
"""Tracking works on one processor, lifting on all: two at once, and a long video doesn't hold up a short one."""


def load_service() -> LoadedService:
    """The weights that the environment names, warm. Raises UsageError, ModelError."""
    settings = load(LifterSettings)
    device = str(resolve_device(settings.device))
    checkpoint = load_checkpoint(settings.checkpoint or bundled_checkpoint_path(), causal=settings.causal)
    warm_up(checkpoint, device=device)
    return LoadedService(
        handlers={
            Stage.TRACK: TrackHandler(load_settings()),
            Stage.LIFT: LiftHandler(checkpoint, settings, device=device),
        },
        models=[checkpoint_model(checkpoint, settings.checkpoint)],
        device=device,
        at_once=AT_ONCE,
    )


def warm_up(checkpoint: LifterCheckpoint, *, device: str) -> None:
    """Put the networks onto the device and run them once."""
    keypoints = np.random.default_rng(0).uniform(0, 200, (checkpoint.pose_model.receptive_field, len(COCO17), 2))
    lifter = Lifter(checkpoint, flip=True, batch_frames=len(keypoints), device=device)
    lifter.lift([keypoints], camera=Camera.assumed(200, 200), stop=StopFlag(), progress=FrameCounter())


SERVICE = Service("lifter", (Stage.LIFT, Stage.TRACK), load_service)

if __name__ == "__main__":
    run_worker(SERVICE)
