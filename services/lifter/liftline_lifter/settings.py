"""What a deployed lifter is told by its environment, and what a job asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline.errors import UsageError
from liftline.jobs.wire import EXPORT_FORMATS, LIFT_STEPS, SMOOTHINGS
from liftline.models.devices import AUTO, NAME_PATTERN
from liftline.settings.machine import Settings
from liftline.v1 import job_service_pb2
from liftline.v1.job_service_pb2 import JobSettings
from liftline_lifter.lifting import smoothing
from liftline_lifter.lifting.smoothing import Smoothing
from liftline_lifter.stage import LiftSettings, TrackSettings

_SMOOTHINGS: Mapping[int, Smoothing] = MappingProxyType(
    {job_service_pb2.SMOOTHING_UNSPECIFIED: smoothing.DEFAULT, **{wire: name for name, wire in SMOOTHINGS.items()}}
)
_FORMATS: Mapping[int, str] = MappingProxyType({wire: name for name, wire in EXPORT_FORMATS.items()})


class LifterSettings(BaseSettings):
    """Which weights a deployment lifts with, and where. Documented in `docs/settings.md`."""

    model_config = SettingsConfigDict(env_prefix="LIFTLINE_LIFTER_", frozen=True)

    checkpoint: Path | None = Field(default=None, description="Weights: ours or VideoPose3D's .bin. Bundled if unset.")
    causal: bool = Field(default=False, description="The VideoPose3D checkpoint was trained with its `--causal`.")
    device: str = Field(default=AUTO, pattern=NAME_PATTERN, description="auto is CUDA if there is any.")


def track_settings(job: JobSettings, machine: Settings) -> TrackSettings:
    """How a job's people are followed: as `liftline process` does, but for what the job chose."""
    return TrackSettings(max_people=job.max_people or None, max_tracks=machine.max_tracks)


def lift_settings(job: JobSettings, *, device: str) -> LiftSettings:
    """How they are lifted, likewise. Raises UsageError for a smoothing of a newer version."""
    if job.smoothing not in _SMOOTHINGS:
        raise UsageError(f"There is no smoothing {job.smoothing} in this version of the lifter; choose another one.")
    return LiftSettings(
        smooth=_SMOOTHINGS[job.smoothing],
        native_rate=job.native_rate,
        focal_px=job.focal_px or None,
        fov_deg=job.fov_deg or None,
        person_height_m=job.person_height_m or None,
        person_heights_m=tuple((one.track_id, one.height_m) for one in job.person_heights),
        device=device,
        **{step: getattr(job, step) for step in LIFT_STEPS if job.HasField(step)},
    )


def export_formats(job: JobSettings) -> tuple[str, ...]:
    """Further formats, each once. Raises UsageError for one of a newer version."""
    unknown = [wire for wire in job.export_formats if wire not in _FORMATS]
    if unknown:
        raise UsageError(f"There is no export format {unknown[0]} in this version of the lifter; leave it out.")
    return tuple(dict.fromkeys(_FORMATS[wire] for wire in job.export_formats))
