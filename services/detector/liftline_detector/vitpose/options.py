"""What a user may choose of ViTPose."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from liftline.settings.checked import checked
from liftline_detector.onnx_runtime.options import TopDownOptions
from liftline_detector.vitpose.model_files import SIZES


@checked
class VitposeOptions(TopDownOptions):
    """What a user may choose of ViTPose."""

    sizes: ClassVar[tuple[str, ...]] = tuple(SIZES)

    pose_size: str = Field(default="b", description="Size of the pose network, as `liftline models list` has them.")
