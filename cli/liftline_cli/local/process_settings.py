"""What one run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from liftline.settings.job import JobSettings
from liftline.settings.machine import Settings, load_settings
from liftline_detector.options import DetectorOptions


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
    detector_options: DetectorOptions = field(default_factory=DetectorOptions)
    checkpoint: Path | None = None
    causal: bool = False
    device: str = "cpu"
    overwrite: bool = False
