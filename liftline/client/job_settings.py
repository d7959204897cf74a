"""What a client may choose for a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from liftline.jobs.wire import EXPORT_FORMATS, LAYOUTS, LIFT_STEPS, SMOOTHINGS, ExportFormat, Layout, Smoothing
from liftline.v1 import job_service_pb2


@dataclass(frozen=True)
class JobSettings:
    """As the options of `liftline process`; what isn't here is the deployment's choice.

    Attributes:
        detector: a job that names one gets it or fails; None for whichever the deployment runs.
        max_people: most people at a time, the most prominent first; None for all.
        smooth: how the 3D poses are smoothed in time.
        native_rate: don't resample to the rate of the lifter's weights.
        focal_px: focal length of the camera; without it and `fov_deg`, a usual one is assumed.
        fov_deg: field of view of the camera across the width of the upright picture.
        person_height_m: how tall everyone is; None where it isn't known.
        person_heights_m: track id -> how tall that person is, before `person_height_m`.
        common_floor: let people be a little larger or smaller so that all stand on one floor.
        repair_sides: undo exchanged left and right arms or legs.
        reject_outliers: replace keypoints that jump impossibly.
        constant_bones: give each person bones of one length.
        lock_feet: keep feet in place while they stand.
        layout: what the rendered video shows.
        export: further formats of the poses.
    """

    detector: str | None = None
    max_people: int | None = None
    smooth: Smoothing = "butterworth"
    native_rate: bool = False
    focal_px: float | None = None
    fov_deg: float | None = None
    person_height_m: float | None = None
    person_heights_m: Mapping[int, float] = field(default_factory=dict)
    common_floor: bool = True
    repair_sides: bool = True
    reject_outliers: bool = True
    constant_bones: bool = True
    lock_feet: bool = True
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
            fov_deg=self.fov_deg or 0.0,
            person_height_m=self.person_height_m or 0.0,
            person_heights=[
                job_service_pb2.PersonHeight(track_id=track, height_m=height_m)
                for track, height_m in self.person_heights_m.items()
            ],
            layout=LAYOUTS[self.layout],
            export_formats=[EXPORT_FORMATS[name] for name in self.export],
            **{step: False for step in LIFT_STEPS if not getattr(self, step)},
        )
