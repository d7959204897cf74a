"""What a user may choose of RTMPose."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from liftline.settings.checked import checked
from liftline_detector.onnx_runtime.options import TopDownOptions
from liftline_detector.rtmpose.model_files import SIZES


@checked
class RtmposeOptions(TopDownOptions):
    """What a user may choose of RTMPose."""

    sizes: ClassVar[tuple[str, ...]] = tuple(SIZES)

    pose_size: str = Field(default="m", description="Size of the pose network, as `liftline models list` has them.")
