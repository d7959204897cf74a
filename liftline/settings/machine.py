"""Settings of a machine or deployment, from `LIFTLINE_*` environment variables; choices of one run are options."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline.settings.environment import load

_PREFIX = "LIFTLINE_"


def _default_models_dir() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "liftline" / "models"


class Settings(BaseSettings):
    """Every setting, with its unit in its name. Documented in `docs/settings.md`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True)

    models_dir: Path = Field(default_factory=_default_models_dir, description="Folder of downloaded model files.")
    max_pixels: int = Field(default=8192 * 4352, gt=0, description="Pixels of one frame; larger videos are refused.")
    max_frames: int = Field(default=24 * 3600 * 60, gt=0, description="Frames of one video; longer videos are refused.")
    max_duration_s: float = Field(default=24 * 3600.0, gt=0, description="Duration of one video, in seconds.")
    max_memory_mb: int = Field(
        default=512, gt=0, description="Memory that opening and decoding one video may take; else it is refused."
    )
    max_tracks: int = Field(default=2000, gt=0, description="Tracks in one video; more are refused.")
    segment_s: float = Field(default=10.0, gt=0, description="Length of the segments a video is cut into, in seconds.")


def load_settings() -> Settings:
    """Read the environment. Raises UsageError naming the variable that is wrong."""
    return load(Settings, show_values=True)
