"""Detectors by name. To add one, write a class with `liftline.ports.Detector`'s interface and enter it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from liftline.errors import UsageError
from liftline.ports import Detector


def _blazepose(threads: int) -> Detector:
    from liftline_detector.blazepose.detector import BlazePoseDetector

    return BlazePoseDetector.load(threads=threads)


BACKENDS: Mapping[str, Callable[[int], Detector]] = MappingProxyType({"blazepose": _blazepose})
"""What makes each backend, given a number of threads. Imports inside: a backend's libraries may not be installed."""

AUTO = "auto"


def build_detector(name: str, *, threads: int = 1) -> Detector:
    """The detector called `name`; "auto" is the best one that works on this machine.

    Raises UsageError for an unknown name, ModelError where its model files are missing or altered.
    """
    chosen = _best() if name == AUTO else name
    if chosen not in BACKENDS:
        raise UsageError(f"Unknown detector '{name}'; choose one of: {', '.join((AUTO, *BACKENDS))}.")
    return BACKENDS[chosen](threads)


def _best() -> str:
    return "blazepose"
