"""`manifest.json`: what was made, from what, with which models and settings, and the hash of every file."""

from __future__ import annotations

import functools
import json
import platform
from collections.abc import Mapping
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import TypeAdapter

from liftline import __version__
from liftline.jobs.naming import Stage
from liftline.jobs.wire import model_info
from liftline.plan import Plan
from liftline.v1.records_pb2 import JobRecord

SCHEMA_VERSION = 1
SETTINGS = "settings"
"""Under this name a result's provenance has the stage's settings, as JSON; under others, versions of packages."""
_LIFTLINE, _PYTHON = "liftline", "python"
_DEPENDENCIES = ("av", "numpy", "scipy", "torch", "opencv-python-headless", "ai-edge-litert")


def manifest_of(record: JobRecord, *, files: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The manifest of a finished job as JSON has it. Write it last: its presence says that the tree is complete.

    `files`: place in the output tree -> SHA-256, where the tree holds others than the job's artifacts. The time is that
    of the record's last change, so that repeats give the same bytes.
    """
    versions = _versions(record)
    return {
        "schema_version": SCHEMA_VERSION,
        "liftline": versions.get(_LIFTLINE),
        "finished_at": record.update_time.ToDatetime(tzinfo=UTC).isoformat(timespec="seconds"),
        "python": versions.get(_PYTHON),
        "packages": {name: versions.get(name) for name in _DEPENDENCIES},
        "input": {
            "file": record.video_name,
            "sha256": record.video_sha256,
            "frames": record.frame_count,
            "segments": record.segment_count,
            **_object(record.video_info_json),
        },
        "models": [plain(model_info(model)) for model in record.models],
        "settings": _settings(record),
        "seconds": {name: round(value, 3) for name, value in seconds_of(record).items()},
        "warnings": list(record.warnings),
        "files": dict(sorted((files_of(record) if files is None else files).items())),
    }


def files_of(record: JobRecord) -> dict[str, str]:
    """Place in the output tree -> SHA-256 of each artifact that has one."""
    return {one.path: one.ref.sha256 for one in record.artifacts if one.path}


def seconds_of(record: JobRecord) -> dict[str, float]:
    """Stage -> time it took; of tasks worked on at once by several workers, the sum."""
    return {str(Stage.of(one.stage)): one.work_s for one in record.stages}


def facts_of(plan: Plan) -> dict[str, Any]:
    """What a manifest tells of a video beside its name, hash and counts."""
    return {"exact_times": plan.exact_times, "video": plain(plan.info)}


@functools.cache
def package_versions() -> Mapping[str, str]:
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


def _settings(record: JobRecord) -> dict[str, Any]:
    return {
        name: value
        for stage in Stage
        for name, value in _object(record.provenance.get(f"{stage}.{SETTINGS}", "")).items()
    }


def _versions(record: JobRecord) -> dict[str, str]:
    """Of the packages that did the work; where stages differ, of the earlier one."""
    versions: dict[str, str] = {}
    for stage in Stage:
        for name, value in record.provenance.items():
            of, _, package = name.partition(".")
            if of == stage and package != SETTINGS:
                versions.setdefault(package, value)
    return versions


def _object(text: str) -> dict[str, Any]:
    """A JSON object; an empty one where there is none."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
