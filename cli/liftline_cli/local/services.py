"""The services' stages in this process. A new stage of a service that is here needs nothing here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liftline.jobs.naming import Stage
from liftline.pipeline.handler import LoadedService
from liftline.pipeline.local.ports import LocalStage
from liftline_cli.local.process_settings import ProcessSettings
from liftline_detector import handlers as detector
from liftline_detector.registry import find_detector
from liftline_lifter import handlers as lifter
from liftline_lifter.lifting.checkpoint import bundled_checkpoint_path, load_checkpoint
from liftline_lifter.settings import LifterSettings
from liftline_renderer import handlers as renderer


class LocalServices:
    """Gives stages that are ready to run with the choices of one run; each service is loaded when it is first asked."""

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._loaded: dict[Sequence[Stage], LoadedService] = {}

    def __call__(self, stage: Stage) -> LocalStage:
        """See `LocalStages`. Segments are drawn one by one: drawing keeps several processors busy itself."""
        stages, load = next((stages, load) for stages, load in _SERVICES if stage in stages)
        if stages not in self._loaded:
            self._loaded[stages] = load(self._settings)
        service = self._loaded[stages]
        return LocalStage(service.handlers[stage], service.at_once if stage is Stage.DETECT else 1)


class StepsWithoutDetector(LocalServices):
    """Stages of a run in which nobody is detected: the plan stage is made without a detector's model."""

    def __call__(self, stage: Stage) -> LocalStage:
        """See `LocalStages`."""
        if stage is Stage.PLAN:
            return LocalStage(detector.PlanHandler(None, self._settings.machine))
        return super().__call__(stage)


def _detector(settings: ProcessSettings) -> LoadedService:
    options = settings.detector_options
    entry = find_detector(settings.detector, vars(options))
    return detector.detector_service(entry.build(options), entry, options, settings.machine, asked=settings.detector)


def _lifter(settings: ProcessSettings) -> LoadedService:
    checkpoint = load_checkpoint(settings.checkpoint or bundled_checkpoint_path(), causal=settings.causal)
    chosen = LifterSettings(checkpoint=settings.checkpoint, causal=settings.causal, device=settings.device)
    return lifter.lifter_service(checkpoint, chosen, settings.machine, device=settings.device, most_exports=None)


def _renderer(settings: ProcessSettings) -> LoadedService:
    return renderer.renderer_service(settings.machine)


_SERVICES: Sequence[tuple[Sequence[Stage], Callable[[ProcessSettings], LoadedService]]] = (
    (detector.STAGES, _detector),
    (lifter.STAGES, _lifter),
    (renderer.STAGES, _renderer),
)
