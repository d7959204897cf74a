"""What one run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny, ValidationInfo

from liftline.settings.job import JobSettings
from liftline.settings.machine import Settings, load_settings
from liftline_detector.declaration import DetectorOptions
from liftline_detector.registry import find_detector


def _of_detector(options: object, info: ValidationInfo) -> object:
    """Options as JSON has them: of the class of the detector that was named before."""
    return find_detector(info.data["detector"], options).chosen(options) if isinstance(options, Mapping) else options


_Options = Annotated[SerializeAsAny[DetectorOptions], BeforeValidator(_of_detector)]


@dataclass(frozen=True)
class ProcessSettings:
    """What a user may choose; everything else follows from the video.

    Attributes:
        job: what a client of the services may choose too.
        machine: limits and segment length.
        detector: name of a backend, or "auto".
        detector_options: for that backend.
        checkpoint: the lifter's weights; None for the bundled ones.
        causal: the checkpoint is one of VideoPose3D's that were trained with `--causal`, which they don't tell.
        device: torch device of the lifter.
        overwrite: run finished steps again.
    """

    job: JobSettings = field(default_factory=JobSettings)
    machine: Settings = field(default_factory=load_settings)
    detector: str = "auto"
    detector_options: _Options = field(default_factory=DetectorOptions)
    checkpoint: Path | None = None
    causal: bool = False
    device: str = "cpu"
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Options of no detector in particular are those of the one that is taken. Raises UsageError."""
        if type(self.detector_options) is DetectorOptions:
            given = vars(self.detector_options)
            object.__setattr__(self, "detector_options", find_detector(self.detector, given).chosen(given))
