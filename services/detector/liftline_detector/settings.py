"""What a deployed detector is told by its environment, and what a job may ask of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline.errors import ModelError
from liftline.models.devices import AUTO, NAME_PATTERN
from liftline.ports import ModelInfo
from liftline.settings.machine import Settings
from liftline.v1.events_pb2 import Task
from liftline.video.opening import VideoLimits
from liftline_detector.options import DEFAULT_CONFIG, DetectorOptions


class DetectorSettings(BaseSettings):
    """Which detector a deployment runs, and how. Documented in `docs/settings.md`."""

    model_config = SettingsConfigDict(env_prefix="LIFTLINE_DETECTOR_", frozen=True)

    backend: Literal["auto", "blazepose", "detectron2"] = Field(
        default="auto",
        description="Detector; auto is Detectron2 where it, its weights and a CUDA device are there, else BlazePose.",
    )
    config: str = Field(default=DEFAULT_CONFIG, description="Detectron2's config: a name or a yaml file.")
    weights: Path | None = Field(default=None, description="Detectron2's weights, a file. The config's own if unset.")
    device: str = Field(default=AUTO, pattern=NAME_PATTERN, description="Where Detectron2 runs; auto is CUDA if any.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(default="fp32", description="Detectron2's arithmetic.")
    score_threshold: float = Field(default=0.7, ge=0, le=1, description="Detectron2: people below aren't reported.")
    threads: int = Field(default=1, ge=1, description="Threads of one call of BlazePose.")

    @property
    def options(self) -> DetectorOptions:
        """For the backend."""
        return DetectorOptions(
            threads=self.threads,
            device=self.device,
            precision=self.precision,
            score_threshold=self.score_threshold,
            config=self.config,
            weights=self.weights,
        )


def limits_of(task: Task, machine: Settings) -> VideoLimits:
    """What a job's video may cost: what the gateway allows its tenant, and no more than this machine takes."""
    longest_s = min(machine.max_duration_s, task.max_duration_s or machine.max_duration_s)
    return VideoLimits(machine.max_pixels, machine.max_frames, longest_s)


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
