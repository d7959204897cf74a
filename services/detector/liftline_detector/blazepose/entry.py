"""What there is to know of BlazePose before it is built."""

from __future__ import annotations

from pydantic import Field

from liftline.ports import Detector
from liftline.settings.checked import checked
from liftline.skeletons import BLAZEPOSE33_TO_HALPE26_HANDS, HALPE26_HANDS
from liftline_detector.blazepose.model_files import NAME, POSE_DETECTION, POSE_LANDMARK
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.declaration import DetectorEntry, DetectorOptions

KEYPOINTS = tuple(name for name, at in zip(HALPE26_HANDS.joints, BLAZEPOSE33_TO_HALPE26_HANDS, strict=True) if at >= 0)
"""Names of those that it finds."""


@checked
class BlazePoseChoices(DetectorOptions):
    """What a user may choose of BlazePose."""

    threads: int = Field(default=1, ge=1, description="Threads of one call of the model.")
    score_threshold: float = Field(default=0.0, ge=0, le=1, description="People below it aren't reported.")


def _build(options: BlazePoseChoices) -> Detector:
    from liftline_detector.blazepose.detector import BlazePoseDetector

    return BlazePoseDetector.load(
        threads=options.threads, options=BlazePoseOptions(score_threshold=options.score_threshold)
    )


DETECTOR = DetectorEntry(
    name=NAME,
    title="BlazePose",
    skeleton=HALPE26_HANDS,
    keypoints=KEYPOINTS,
    options=BlazePoseChoices,
    build=_build,
    models=(POSE_DETECTION, POSE_LANDMARK),
    default_models=(POSE_DETECTION, POSE_LANDMARK),
    preference=lambda _options: 1,
)
"""The light one: it is made for CPUs, and runs everywhere."""
