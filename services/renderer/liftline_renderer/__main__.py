"""`python -m liftline_renderer`: the renderer as a service, set by its environment (`docs/settings.md`)."""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

from liftline.pipeline.handler import Service
from liftline.service.bootstrap import run_worker
from liftline.settings.machine import load_settings
from liftline_renderer.handlers import STAGES, renderer_service

SERVICE = Service("renderer", STAGES, lambda: renderer_service(load_settings()))

if __name__ == "__main__":
    run_worker(SERVICE)
