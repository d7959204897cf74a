"""`python -m liftline_renderer`: the renderer as a service, set by its environment (`docs/settings.md`)."""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

from liftline.jobs.naming import Stage
from liftline.pipeline.handler import LoadedService, Service
from liftline.processors import processors
from liftline.service.bootstrap import run_worker
from liftline_renderer.handlers import MuxHandler, RenderHandler

_PROCESSORS_EACH = 2
"""A segment is decoded, drawn and encoded at once; that keeps about so many busy."""


def load_service() -> LoadedService:
    """Nothing to load: the renderer has no model."""
    return LoadedService(
        handlers={Stage.RENDER: RenderHandler(), Stage.MUX: MuxHandler()},
        at_once=max(1, processors() // _PROCESSORS_EACH),
    )


SERVICE = Service("renderer", (Stage.MUX, Stage.RENDER), load_service)

if __name__ == "__main__":
    run_worker(SERVICE)
