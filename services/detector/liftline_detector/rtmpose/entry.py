"""What there is to know of RTMPose before it is built."""

from __future__ import annotations

from liftline.models.catalogue import ModelFile
from liftline.ports import Detector
from liftline.skeletons import HALPE26, HALPE26_HANDS
from liftline_detector.declaration import DetectorEntry
from liftline_detector.onnx_runtime.model_files import FINDERS, YOLOX_M
from liftline_detector.rtmpose.model_files import NAME, RTMPOSE_M, SIZES
from liftline_detector.rtmpose.options import RtmposeOptions


def _build(options: RtmposeOptions) -> Detector:
    from liftline_detector.rtmpose.detector import load

    return load(options)


def _after_fetch(model: ModelFile) -> tuple[str, ...]:
    from liftline_detector.onnx_runtime.pose import after_fetch
    from liftline_detector.rtmpose.detector import KIND

    return after_fetch(KIND, model)


DETECTOR = DetectorEntry(
    name=NAME,
    title="RTMPose",
    skeleton=HALPE26_HANDS,
    keypoints=HALPE26.joints,
    options=RtmposeOptions,
    build=_build,
    models=(*SIZES.values(), *FINDERS),
    default_models=(RTMPOSE_M, YOLOX_M),
    runs_on=lambda detector: str(detector.placement.device),
    warnings=lambda detector: detector.warnings,
    after_fetch=_after_fetch,
    extra="onnx",
)
"""Chosen by its name alone: whether its weights may be used is the user's to decide."""
