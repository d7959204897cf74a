"""What there is to know of RTMO before it is built."""

from __future__ import annotations

from liftline.ports import Detector
from liftline.skeletons import COCO17
from liftline_detector.declaration import DetectorEntry
from liftline_detector.rtmo.model_files import NAME, RTMO_M, SIZES
from liftline_detector.rtmo.options import RtmoOptions


def _build(options: RtmoOptions) -> Detector:
    from liftline_detector.rtmo.detector import load

    return load(options)


DETECTOR = DetectorEntry(
    name=NAME,
    title="RTMO",
    skeleton=COCO17,
    keypoints=COCO17.joints,
    options=RtmoOptions,
    build=_build,
    models=tuple(SIZES.values()),
    default_models=(RTMO_M,),
    runs_on=lambda detector: str(detector.placement.device),
    warnings=lambda detector: detector.warnings,
    extra="onnx",
)
"""Chosen by its name alone: whether its weights may be used is the user's to decide."""
