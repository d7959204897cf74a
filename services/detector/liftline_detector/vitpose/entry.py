"""What there is to know of ViTPose before it is built."""

from __future__ import annotations

from liftline.models.catalogue import ModelFile
from liftline.ports import Detector
from liftline.skeletons import COCO17
from liftline_detector.declaration import DetectorEntry
from liftline_detector.onnx_runtime.model_files import FINDERS, YOLOX_M
from liftline_detector.vitpose.model_files import NAME, SIZES, VITPOSE_B
from liftline_detector.vitpose.options import VitposeOptions


def _build(options: VitposeOptions) -> Detector:
    from liftline_detector.vitpose.detector import load

    return load(options)


def _after_fetch(model: ModelFile) -> tuple[str, ...]:
    from liftline_detector.onnx_runtime.pose import after_fetch
    from liftline_detector.vitpose.detector import KIND

    return after_fetch(KIND, model)


DETECTOR = DetectorEntry(
    name=NAME,
    title="ViTPose",
    skeleton=COCO17,
    keypoints=COCO17.joints,
    options=VitposeOptions,
    build=_build,
    models=(*SIZES.values(), *FINDERS),
    default_models=(VITPOSE_B, YOLOX_M),
    runs_on=lambda detector: str(detector.placement.device),
    warnings=lambda detector: detector.warnings,
    after_fetch=_after_fetch,
    extra="onnx",
)
"""Chosen by its name alone: whether its weights may be used is the user's to decide."""
