"""What a user may choose of RTMPose."""

from __future__ import annotations

from pydantic import Field, field_validator

from liftline.settings.checked import checked
from liftline_detector.onnx_runtime.options import TopDownOptions, check_size
from liftline_detector.rtmpose.model_files import SIZES


@checked
class RtmposeOptions(TopDownOptions):
    """What a user may choose of RTMPose."""

    pose_size: str = Field(default="m", description="Size of the pose network, as `liftline models list` has them.")

    @field_validator("pose_size")
    @classmethod
    def _a_size(cls, size: str) -> str:
        return check_size(size, SIZES)
