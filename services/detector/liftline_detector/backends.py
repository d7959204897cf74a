"""Detectors by name. To add one, write a class with `liftline.ports.Detector`'s interface and enter it here."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType

from liftline.errors import ModelError, UsageError
from liftline.models import catalogue as models
from liftline.models.devices import resolve_device
from liftline.ports import Detector
from liftline_detector.options import DETECTRON2_INSTALL, DetectorOptions

AUTO, BLAZEPOSE, DETECTRON2 = "auto", "blazepose", "detectron2"


def _blazepose(options: DetectorOptions) -> Detector:
    from liftline_detector.blazepose.detector import BlazePoseDetector

    return BlazePoseDetector.load(threads=options.threads)


def _detectron2(options: DetectorOptions) -> Detector:
    try:
        from liftline_detector.keypoint_rcnn.detector import KeypointRcnnDetector
    except ImportError as error:
        raise ModelError(f"Detectron2 needs PyTorch and Pillow ({error}); {DETECTRON2_INSTALL}.") from error

    return KeypointRcnnDetector.load(options)


BACKENDS: Mapping[str, Callable[[DetectorOptions], Detector]] = MappingProxyType(
    {BLAZEPOSE: _blazepose, DETECTRON2: _detectron2}
)
"""What makes each backend. Imports inside: a backend's libraries may not be installed."""


def build_detector(name: str, options: DetectorOptions | None = None) -> Detector:
    """The detector called `name`; "auto" is the best one that works on this machine.

    Raises UsageError for an unknown name or unusable options, ModelError where its model files are missing or altered.
    """
    options = options or DetectorOptions()
    chosen = _best(options) if name == AUTO else name
    if chosen not in BACKENDS:
        raise UsageError(f"Unknown detector '{name}'; choose one of: {', '.join((AUTO, *BACKENDS))}.")
    return BACKENDS[chosen](options)


def detectron2_is_ready(options: DetectorOptions) -> bool:
    """Whether Detectron2 can be imported and its weights are there; nothing is loaded."""
    if importlib.util.find_spec("detectron2") is None:
        return False
    if options.weights is not None:
        return options.weights.is_file()
    zoo = models.detectron2_weights(options.config)
    return zoo is not None and models.path(zoo).is_file()


def _best(options: DetectorOptions) -> str:
    """Detectron2 where it can run on a GPU, else BlazePose, which is made for CPUs."""
    if not detectron2_is_ready(options):
        return BLAZEPOSE
    return DETECTRON2 if resolve_device(options.device).type == "cuda" else BLAZEPOSE
