"""What a job asks of the renderer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from liftline.errors import UsageError
from liftline.jobs.wire import LAYOUTS
from liftline.v1 import job_service_pb2
from liftline.v1.job_service_pb2 import JobSettings
from liftline_renderer.layout import Layout, RenderSettings

_LAYOUTS: Mapping[int, Layout] = MappingProxyType(
    {job_service_pb2.LAYOUT_UNSPECIFIED: "side-by-side", **{wire: name for name, wire in LAYOUTS.items()}}
)


def render_settings(job: JobSettings) -> RenderSettings:
    """As `liftline process` renders, in the layout of the job. Raises UsageError for one of a newer version."""
    if job.layout not in _LAYOUTS:
        raise UsageError(f"There is no layout {job.layout} in this version of the renderer; choose another one.")
    return RenderSettings(layout=_LAYOUTS[job.layout])
