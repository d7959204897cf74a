"""RTMPose with its networks loaded."""

from __future__ import annotations

from liftline.skeletons import HALPE26, HALPE26_HANDS, HALPE26_TO_HALPE26_HANDS
from liftline_detector.declaration import UNMEASURED
from liftline_detector.onnx_runtime.pose import PoseKind, load_top_down
from liftline_detector.onnx_runtime.top_down import TopDownDetector
from liftline_detector.rtmpose.model_files import NAME, SIZES
from liftline_detector.rtmpose.options import RtmposeOptions
from liftline_detector.rtmpose.simcc import SimccReader

KIND = PoseKind(
    name=NAME, title="RTMPose", files=SIZES, reader=SimccReader, output="simcc_x", keypoints=len(HALPE26), stated="rgb",
    skeleton=HALPE26_HANDS, sources=HALPE26_TO_HALPE26_HANDS, calibration=UNMEASURED,
)  # fmt: skip


def load(options: RtmposeOptions) -> TopDownDetector:
    """Both networks on their device. Raises ModelError: a file missing or altered, another network, no such device."""
    return load_top_down(KIND, options, options.pose_size)
