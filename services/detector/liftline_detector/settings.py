"""What a deployed detector is told by its environment, and what a job may ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, create_model, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline.errors import ModelError
from liftline.models.devices import AUTO, ONNX_NAME_PATTERN
from liftline.ports import ModelInfo
from liftline.settings.checked import field_infos
from liftline.settings.machine import Settings
from liftline.v1.events_pb2 import Task
from liftline.video.opening import VideoLimits
from liftline_detector.declaration import DetectorEntry, DetectorOptions
from liftline_detector.registry import find_detector, names, own_options


class DetectorSettings(BaseSettings):
    """Which detector a deployment runs. Documented in `docs/settings.md`, with what detectors can be told."""

    model_config = SettingsConfigDict(env_prefix="LIFTLINE_DETECTOR_", frozen=True)

    backend: str = Field(
        default=AUTO,
        description="Detector; auto is Detectron2 where it, its weights and a CUDA device are there, else MoveNet.",
    )
    device: str = Field(
        default=AUTO, pattern=ONNX_NAME_PATTERN, description="Where the detector runs; auto is CUDA if any."
    )

    @field_validator("backend")
    @classmethod
    def _known(cls, backend: str) -> str:
        if backend not in names():
            raise ValueError(f"there is no detector '{backend}'; choose one of {', '.join(names())}")
        return backend

    @property
    def entry(self) -> DetectorEntry:
        """The detector that the environment asks for."""
        return find_detector(self.backend, self._given)

    @property
    def _given(self) -> Mapping[str, object]:
        return {name: getattr(self, name) for name in self.model_fields_set}

    @property
    def options(self) -> DetectorOptions:
        """Its options, with what the environment sets of them."""
        return self.entry.chosen(self._given)


def detector_settings() -> type[DetectorSettings]:
    """The same with every variable that some detector knows."""
    own: dict[str, Any] = {name: _variable(name, *known) for name, known in own_options().items()}
    return create_model("DetectorSettings", __base__=DetectorSettings, **own)


def _variable(name: str, info: FieldInfo, owners: Sequence[DetectorEntry]) -> tuple[Any, FieldInfo]:
    """An option as a setting. Unset it is None where each detector has a default of its own."""
    defaults = {field_infos(entry.options)[name].default for entry in owners}
    if len(defaults) == 1:
        return info.annotation, info
    return (info.annotation or float) | None, FieldInfo.merge_field_infos(info, default=None)


def limits_of(task: Task, machine: Settings) -> VideoLimits:
    """What a job's video may cost: what the gateway allows its tenant, and no more than this machine takes."""
    longest_s = min(machine.max_duration_s, task.max_duration_s or machine.max_duration_s)
    return VideoLimits(machine.max_pixels, machine.max_frames, longest_s, machine.max_memory_mb)


def check_model(task: Task, model: ModelInfo) -> None:
    """Raise ModelError unless this model is the one that the job, and the plan of its video, ask for."""
    wanted = task.settings.detector
    if wanted not in ("", model.name, model.name.partition("/")[0]):
        raise ModelError(
            f"{task.video_name}: the job asks for the detector '{wanted}', but '{model.name}' is deployed; leave the "
            "detector out to use that one."
        )
    if task.HasField("detector_model") and task.detector_model.sha256 != model.sha256:
        raise ModelError(
            f"{task.video_name}: planned for the model {_shown(task.detector_model.name, task.detector_model.sha256)}, "
            f"but this detector runs {_shown(model.name, model.sha256)}; the deployment changed meanwhile, or its "
            "detectors differ. Submit the video again once all of them run the same model."
        )


def _shown(name: str, sha256: str) -> str:
    return f"'{name}' (SHA-256 {sha256[:12]}…)"
