"""What a user may choose of RTMO."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from liftline.settings.checked import checked
from liftline_detector.onnx_runtime.options import OnnxOptions
from liftline_detector.rtmo.model_files import SIZES


@checked
class RtmoOptions(OnnxOptions):
    """What a user may choose of RTMO."""

    sizes: ClassVar[tuple[str, ...]] = tuple(SIZES)

    score_threshold: float = Field(default=0.3, ge=0, le=1, description="People below it aren't reported.")
    pose_size: str = Field(default="m", description="Size of the pose network, as `liftline models list` has them.")
