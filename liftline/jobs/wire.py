"""Models and reasons of failures as protobuf messages have them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from liftline.errors import InvalidVideoError, LiftlineError, LimitExceededError, ModelError, UsageError
from liftline.ports import ModelInfo
from liftline.v1 import job_service_pb2 as api
from liftline.v1.artifacts_pb2 import Model

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
    """A model as a protobuf message."""
    return Model(name=info.name, sha256=info.sha256, licence=info.licence, source=info.source)


def model_info(message: Model) -> ModelInfo:
    """Back from a message: the inverse of `model_message`."""
    return ModelInfo(message.name, message.sha256, message.licence, message.source)
