"""`manifest.json`: what was made, from what, with which models and settings, and the hash of every file."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from liftline import __version__
from liftline.artifacts import write_json
from liftline.plan import Plan
from liftline.ports import ModelInfo
from liftline.video.frames import VideoInfo

SCHEMA_VERSION = 1
_DEPENDENCIES = ("av", "numpy", "scipy", "torch", "opencv-python-headless", "ai-edge-litert")


def write_manifest(
    path: Path,
    *,
    video: Path,
    video_sha256: str,
    plan: Plan,
    models: Sequence[ModelInfo],
    settings: object,
    files: Mapping[str, str],
    seconds: Mapping[str, float],
    warnings: Sequence[str],
) -> None:
    """Write it last: its presence says that the folder is complete."""
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "liftline": __version__,
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in _DEPENDENCIES},
            "input": {
                "file": video.name,
                "sha256": video_sha256,
                "frames": plan.frame_count,
                "segments": len(plan.segments),
                "exact_times": plan.exact_times,
                "video": _plain(plan.info, VideoInfo),
            },
            "models": [_plain(model, ModelInfo) for model in models],
            "settings": _plain(settings, type(settings)),
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "warnings": list(warnings),
            "files": dict(sorted(files.items())),
        },
    )


def describes(path: Path, video_sha256: str) -> bool:
    """Whether a complete manifest is there and is of the video with this hash."""
    try:
        manifest = json.loads(path.read_text("utf-8"))
        return bool(manifest["input"]["sha256"] == video_sha256)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _plain(value: object, kind: type[Any]) -> Any:
    return TypeAdapter(kind).dump_python(value, mode="json")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
