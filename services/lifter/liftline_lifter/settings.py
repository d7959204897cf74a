"""Settings of the lifter service, from `LIFTLINE_LIFTER_` environment variables."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline.models.devices import AUTO, NAME_PATTERN


class LifterSettings(BaseSettings):
    """Which weights a deployment lifts with, and where. Documented in `docs/settings.md`."""

    model_config = SettingsConfigDict(env_prefix="LIFTLINE_LIFTER_", frozen=True)

    checkpoint: Path | None = Field(default=None, description="Weights: ours or VideoPose3D's .bin. Bundled if unset.")
    causal: bool = Field(default=False, description="The VideoPose3D checkpoint was trained with its `--causal`.")
    device: str = Field(default=AUTO, pattern=NAME_PATTERN, description="auto is CUDA if there is any.")
