"""Values of Liftline's as messages have them: models, reasons of failures, and what a job may choose by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from liftline.errors import InvalidVideoError, LiftlineError, LimitExceededError, ModelError, UsageError
from liftline.ports import ModelInfo
from liftline.v1 import job_service_pb2 as api
from liftline.v1.artifacts_pb2 import Model

Layout = Literal["overlay", "side-by-side", "3d"]
Smoothing = Literal["none", "one-euro", "butterworth", "savgol"]
ExportFormat = Literal["json", "csv", "npy", "trc"]
LiftStep = Literal["common_floor", "repair_sides", "reject_outliers", "constant_bones", "lock_feet"]

LIFT_STEPS: tuple[LiftStep, ...] = get_args(LiftStep)
"""What of lifting a job may switch off: the names of fields of messages and of settings."""

LAYOUTS: Mapping[Layout, api.Layout.ValueType] = MappingProxyType(
    {
        "overlay": api.LAYOUT_OVERLAY,
        "side-by-side": api.LAYOUT_SIDE_BY_SIDE,
        "3d": api.LAYOUT_THREE_D,
    }
)
SMOOTHINGS: Mapping[Smoothing, api.Smoothing.ValueType] = MappingProxyType(
    {
        "none": api.SMOOTHING_NONE,
        "one-euro": api.SMOOTHING_ONE_EURO,
        "butterworth": api.SMOOTHING_BUTTERWORTH,
        "savgol": api.SMOOTHING_SAVGOL,
    }
)
EXPORT_FORMATS: Mapping[ExportFormat, api.ExportFormat.ValueType] = MappingProxyType(
    {
        "json": api.EXPORT_FORMAT_JSON,
        "csv": api.EXPORT_FORMAT_CSV,
        "npy": api.EXPORT_FORMAT_NPY,
        "trc": api.EXPORT_FORMAT_TRC,
    }
)
FAILURES: Mapping[api.Failure.Reason.ValueType, type[LiftlineError]] = MappingProxyType(
    {
        api.Failure.REASON_INVALID_VIDEO: InvalidVideoError,
        api.Failure.REASON_LIMIT_EXCEEDED: LimitExceededError,
        api.Failure.REASON_MODEL: ModelError,
        api.Failure.REASON_INVALID_SETTINGS: UsageError,
    }
)
"""Errors that fail a job for a reason of its own; any other is a fault of Liftline's."""


def model_message(info: ModelInfo) -> Model:
    """A model as messages have it."""
    return Model(name=info.name, sha256=info.sha256, licence=info.licence, source=info.source)


def model_info(message: Model) -> ModelInfo:
    """The other way."""
    return ModelInfo(message.name, message.sha256, message.licence, message.source)
