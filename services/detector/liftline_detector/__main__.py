"""`python -m liftline_detector`: the detector as a service, set by its environment (`docs/settings.md`)."""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

import numpy as np

from liftline.frames import Frame
from liftline.pipeline.handler import LoadedService, Service
from liftline.ports import Detector
from liftline.service.bootstrap import run_worker
from liftline.settings.environment import load
from liftline.settings.machine import load_settings
from liftline_detector.handlers import STAGES, detector_service
from liftline_detector.settings import detector_settings

_WARM_UP_SIZE_PX = (720, 1280)


def load_service() -> LoadedService:
    """The detector that the environment asks for, warm. Raises UsageError, ModelError."""
    settings = load(detector_settings())
    entry, options = settings.entry, settings.options
    detector = entry.build(options)
    warm_up(detector)
    return detector_service(detector, entry, options, load_settings(), asked=settings.backend)


def warm_up(detector: Detector) -> None:
    """Run it once on noise: what libraries load and compile at the first call is there afterwards."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (*_WARM_UP_SIZE_PX, 3), np.uint8) for _ in range(detector.batch_size)]
    detector.start().detect([Frame(index, index / 30, rgb) for index, rgb in enumerate(noise)])


SERVICE = Service("detector", STAGES, load_service)

if __name__ == "__main__":
    run_worker(SERVICE)
