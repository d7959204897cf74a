"""What a client may choose for a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from liftline.v1 import job_service_pb2

Smoothing = Literal["none", "one-euro", "butterworth", "savgol"]
Layout = Literal["overlay", "side-by-side", "3d"]
ExportFormat = Literal["json", "csv", "npy", "trc"]

_LAYOUTS = {
    "overlay": job_service_pb2.LAYOUT_OVERLAY,
    "side-by-side": job_service_pb2.LAYOUT_SIDE_BY_SIDE,
    "3d": job_service_pb2.LAYOUT_THREE_D,
}
_SMOOTHINGS = {
    "none": job_service_pb2.SMOOTHING_NONE,
    "one-euro": job_service_pb2.SMOOTHING_ONE_EURO,
    "butterworth": job_service_pb2.SMOOTHING_BUTTERWORTH,
    "savgol": job_service_pb2.SMOOTHING_SAVGOL,
}
_EXPORTS = {
    "json": job_service_pb2.EXPORT_FORMAT_JSON,
    "csv": job_service_pb2.EXPORT_FORMAT_CSV,
    "npy": job_service_pb2.EXPORT_FORMAT_NPY,
    "trc": job_service_pb2.EXPORT_FORMAT_TRC,
}


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
            smoothing=_SMOOTHINGS[self.smooth],
            native_rate=self.native_rate,
            focal_px=self.focal_px or 0.0,
            layout=_LAYOUTS[self.layout],
            export_formats=[_EXPORTS[name] for name in self.export],
        )
