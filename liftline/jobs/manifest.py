"""`manifest.json`: what was made, from what, with which models and settings, and the hash of every file.

Plain values in: local mode has them in hand, the gateway has them in a job's record.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import TypeAdapter

from liftline import __version__
from liftline.plan import Plan
from liftline.ports import ModelInfo

SCHEMA_VERSION = 1
_LIFTLINE, _PYTHON = "liftline", "python"
_DEPENDENCIES = ("av", "numpy", "scipy", "torch", "opencv-python-headless", "ai-edge-litert")


def manifest(
    *,
    video: str,
    video_sha256: str,
    frame_count: int,
    segment_count: int,
    video_facts: Mapping[str, Any],
    models: Sequence[ModelInfo],
    settings: Mapping[str, Any],
    files: Mapping[str, str],
    seconds: Mapping[str, float],
    warnings: Sequence[str],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest as JSON has it. Write it last: its presence says that the tree is complete.

    Args:
        video: its file name.
        video_sha256: of its bytes.
        frame_count: frames of it.
        segment_count: segments it was cut into.
        video_facts: what `facts_of` told of it.
        models: that were used, once each.
        settings: of all stages together.
        files: place in the output tree → sha256.
        seconds: stage → time it took; of segments worked on at once, the sum.
        warnings: sentences for the user.
        versions: what `package_versions` told where the work was done.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "liftline": versions.get(_LIFTLINE),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": versions.get(_PYTHON),
        "packages": {name: versions.get(name) for name in _DEPENDENCIES},
        "input": {
            "file": video,
            "sha256": video_sha256,
            "frames": frame_count,
            "segments": segment_count,
            **video_facts,
        },
        "models": [plain(model) for model in models],
        "settings": dict(settings),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "warnings": list(warnings),
        "files": dict(sorted(files.items())),
    }


def facts_of(plan: Plan) -> dict[str, Any]:
    """What a manifest tells of a video beside its name, hash and counts."""
    return {"exact_times": plan.exact_times, "video": plain(plan.info)}


def package_versions() -> dict[str, str]:
    """Versions of Liftline, Python and those packages here that results depend on."""
    found = {name: _version(name) for name in _DEPENDENCIES}
    return {
        _LIFTLINE: __version__,
        _PYTHON: platform.python_version(),
        **{name: value for name, value in found.items() if value is not None},
    }


def plain(value: object) -> Any:
    """A dataclass, or anything made of plain values, as JSON has it."""
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def is_of(text: bytes, video_sha256: str) -> bool:
    """Whether this is a manifest, of the video with this hash."""
    try:
        return bool(json.loads(text)["input"]["sha256"] == video_sha256)
    except (ValueError, KeyError, TypeError):
        return False


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
