"""What a user may choose of Detectron2, and whether it is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

from pydantic import Field

from liftline.settings.checked import checked
from liftline_detector.declaration import DetectorOptions

NAME = "detectron2"
"""Of the detector, as users choose it."""
INSTALL = "run `make setup-detectron2`, or choose --detector blazepose, which needs nothing more"
DEFAULT_CONFIG = "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml"


@checked
class KeypointRcnnOptions(DetectorOptions):
    """What a user may choose of Detectron2."""

    config: str = Field(
        default=DEFAULT_CONFIG, description="A COCO-Keypoints config, by name or as a file.",
        json_schema_extra={"flag": "--detectron-cfg", "metavar": "NAME|FILE.yaml"},
    )  # fmt: skip
    weights: Path | None = Field(
        default=None, description="Weights. [default: the config's own]",
        json_schema_extra={"flag": "--detectron-weights", "metavar": "FILE.pkl|FILE.pth"},
    )  # fmt: skip
    score_threshold: float = Field(default=0.7, ge=0, le=1, description="People below it aren't reported.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="Arithmetic; the half ones move keypoints a little."
    )

    def files(self) -> tuple[Path, ...]:
        """The config, if it isn't one of Detectron2's own."""
        config = Path(self.config)
        return (config,) if config.is_file() else ()


def is_installed() -> bool:
    """Whether Detectron2 can be found; importing it may still fail."""
    return importlib.util.find_spec("detectron2") is not None
