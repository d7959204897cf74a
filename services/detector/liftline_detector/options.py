"""What a user may choose of a detector, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liftline.errors import UsageError
from liftline.models.devices import check_device_name

DETECTRON2_INSTALL = "run `make setup-detectron2`, or choose --detector blazepose, which needs nothing more"
DEFAULT_CONFIG = "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml"
PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class DetectorOptions:
    """What a user may choose of a detector.

    Attributes:
        threads: of one model call.
        device: auto, cpu, cuda or cuda:N; BlazePose is for the CPU alone.
        precision: of Detectron2's arithmetic.
        score_threshold: people below it are not reported; Detectron2's.
        config: name or yaml file of a COCO-Keypoints config; Detectron2's.
        weights: a local .pkl or .pth file instead of the config's own; Detectron2's.
    """

    threads: int = 1
    device: str = "auto"
    precision: str = "fp32"
    score_threshold: float = 0.7
    config: str = DEFAULT_CONFIG
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the values, here at the border."""
        check_device_name(self.device)
        if self.precision not in PRECISIONS:
            raise UsageError(f"There is no precision '{self.precision}'; choose one of {', '.join(PRECISIONS)}.")
        if not 0 <= self.score_threshold <= 1:
            raise UsageError(f"A score threshold is between 0 and 1, not {self.score_threshold}.")
