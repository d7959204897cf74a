"""What one run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationInfo

from liftline.models.devices import resolve_device
from liftline.settings.job import JobSettings, of_job
from liftline.settings.machine import Settings
from liftline.video.opening import VideoLimits
from liftline_detector.declaration import DetectorOptions
from liftline_detector.registry import find_detector
from liftline_lifter.stage import LiftSettings, TrackSettings
from liftline_renderer.stage import RenderSettings


def _of_detector(options: object, info: ValidationInfo) -> object:
    """Options as JSON has them: of the class of the detector that was named before."""
    return find_detector(info.data["detector"], options).chosen(options) if isinstance(options, Mapping) else options


_Options = Annotated[SerializeAsAny[DetectorOptions], BeforeValidator(_of_detector)]


@dataclass(frozen=True)
class ProcessSettings:
    """What a user may choose; everything else follows from the video.

    Attributes:
        detector: name of a backend, or "auto".
        detector_options: for that backend.
        checkpoint: the lifter's weights; None for the bundled ones.
        causal: the checkpoint is one of VideoPose3D's that were trained with `--causal`, which they don't tell.
        track: how people are followed.
        lift: how they are lifted.
        render: how they are drawn.
        export: further formats of the poses.
        limits: what a video may cost.
        segment_s: length of the segments a video is cut into.
        overwrite: run finished steps again.
    """

    detector: str = "auto"
    detector_options: _Options = field(default_factory=DetectorOptions)
    checkpoint: Path | None = None
    causal: bool = False
    track: TrackSettings = field(default_factory=TrackSettings)
    lift: LiftSettings = field(default_factory=LiftSettings)
    render: RenderSettings = field(default_factory=RenderSettings)
    export: tuple[str, ...] = ()
    limits: VideoLimits = field(default_factory=VideoLimits)
    segment_s: float = 10.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Options of no detector in particular are those of the one that is taken. Raises UsageError."""
        if type(self.detector_options) is DetectorOptions:
            given = vars(self.detector_options)
            object.__setattr__(self, "detector_options", find_detector(self.detector, given).chosen(given))

    @classmethod
    def for_machine(
        cls, machine: Settings, *, job: JobSettings | None = None, device: str = "cpu", **choices: Any
    ) -> ProcessSettings:
        """The machine's limits with one run's choices. Raises UsageError for a device that isn't there."""
        job = job or JobSettings()
        return cls(
            track=of_job(TrackSettings, job, max_tracks=machine.max_tracks),
            lift=of_job(LiftSettings, job, device=str(resolve_device(device))),
            render=of_job(RenderSettings, job),
            export=job.export,
            limits=VideoLimits(machine.max_pixels, machine.max_frames, machine.max_duration_s),
            segment_s=machine.segment_s,
            **choices,
        )
