"""What there is to know of BlazePose before it is built."""

from __future__ import annotations

from pydantic import Field

from liftline.ports import Detector
from liftline.settings.checked import checked
from liftline.skeletons import COCO17
from liftline_detector.blazepose.model_files import NAME, POSE_DETECTION, POSE_LANDMARK
from liftline_detector.declaration import DetectorEntry, DetectorOptions


@checked
class BlazePoseChoices(DetectorOptions):
    """What a user may choose of BlazePose."""

    threads: int = Field(default=1, ge=1, description="Threads of one call of the model.")


def _build(options: BlazePoseChoices) -> Detector:
    from liftline_detector.blazepose.detector import BlazePoseDetector

    return BlazePoseDetector.load(threads=options.threads)


DETECTOR = DetectorEntry(
    name=NAME,
    title="BlazePose",
    skeleton=COCO17,
    keypoints=COCO17.joints,
    options=BlazePoseChoices,
    build=_build,
    models=(POSE_DETECTION, POSE_LANDMARK),
    default_models=(POSE_DETECTION, POSE_LANDMARK),
    preference=lambda _options: 1,
    image="cpu",
)
"""It is made for CPUs, and runs everywhere."""
