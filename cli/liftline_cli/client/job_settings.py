"""What a client may choose for a job."""

from __future__ import annotations

from dataclasses import dataclass

from liftline.v1 import job_service_pb2
from liftline.wire import EXPORT_FORMATS, LAYOUTS, SMOOTHINGS, ExportFormat, Layout, Smoothing


@dataclass(frozen=True)
class JobSettings:
    """As the options of `liftline process`; what isn't here is the deployment's choice.

    Attributes:
        detector: a job that names one gets it or fails; None for whichever the deployment runs.
        max_people: most people at a time, the most prominent first; None for all.
        smooth: how the 3D poses are smoothed in time.
        native_rate: don't resample to the rate of the lifter's weights.
        focal_px: focal length of the camera; None for a usual one.
        layout: what the rendered video shows.
        export: further formats of the poses.
    """

    detector: str | None = None
    max_people: int | None = None
    smooth: Smoothing = "butterworth"
    native_rate: bool = False
    focal_px: float | None = None
    layout: Layout = "side-by-side"
    export: tuple[ExportFormat, ...] = ()

    @property
    def wire(self) -> job_service_pb2.JobSettings:
        """For a request."""
        return job_service_pb2.JobSettings(
            detector=self.detector or "",
            max_people=self.max_people or 0,
            smoothing=SMOOTHINGS[self.smooth],
            native_rate=self.native_rate,
            focal_px=self.focal_px or 0.0,
            layout=LAYOUTS[self.layout],
            export_formats=[EXPORT_FORMATS[name] for name in self.export],
        )
