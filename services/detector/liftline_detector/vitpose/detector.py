"""ViTPose with its networks loaded."""

from __future__ import annotations

from liftline.skeletons import COCO17
from liftline_detector.declaration import UNMEASURED
from liftline_detector.onnx_runtime.pose import PoseKind, load_top_down
from liftline_detector.onnx_runtime.top_down import TopDownDetector
from liftline_detector.vitpose.heatmaps import HeatmapReader
from liftline_detector.vitpose.model_files import NAME, SIZES
from liftline_detector.vitpose.options import VitposeOptions

KIND = PoseKind(
    name=NAME, title="ViTPose", files=SIZES, reader=HeatmapReader, output="", keypoints=len(COCO17), stated="rgb",
    skeleton=COCO17, sources=tuple(range(len(COCO17))), calibration=UNMEASURED,
)  # fmt: skip


def load(options: VitposeOptions) -> TopDownDetector:
    """Both networks on their device. Raises ModelError: a file missing or altered, another network, no such device."""
    return load_top_down(KIND, options, options.pose_size)
