"""What there is to know of MoveNet before it is built."""

from __future__ import annotations

from pydantic import Field

from liftline.ports import Detector
from liftline.settings.checked import checked
from liftline.skeletons import HALPE26_HANDS
from liftline_detector.blazepose.entry import KEYPOINTS
from liftline_detector.blazepose.model_files import POSE_DETECTION, POSE_LANDMARK
from liftline_detector.declaration import DetectorEntry, DetectorOptions
from liftline_detector.movenet._scores import calibrated
from liftline_detector.movenet.model_files import MULTIPOSE, NAME, THUNDER
from liftline_detector.movenet.options import SCORE_THRESHOLD, MoveNetOptions


@checked
class MoveNetChoices(DetectorOptions):
    """What a user may choose of MoveNet."""

    threads: int = Field(default=1, ge=1, description="Threads of one call of the model.")
    score_threshold: float = Field(default=SCORE_THRESHOLD, ge=0, le=1, description="People below it aren't reported.")


def _build(options: MoveNetChoices) -> Detector:
    from liftline_detector.movenet.detector import MoveNetDetector

    return MoveNetDetector.load(
        threads=options.threads, options=MoveNetOptions(score_threshold=options.score_threshold)
    )


_MODELS = (POSE_DETECTION, POSE_LANDMARK, THUNDER, MULTIPOSE)

DETECTOR = DetectorEntry(
    name=NAME,
    title="MoveNet",
    skeleton=HALPE26_HANDS,
    keypoints=KEYPOINTS,
    options=MoveNetChoices,
    build=_build,
    models=_MODELS,
    default_models=_MODELS,
    calibration=calibrated,
    preference=lambda _options: 2,
    image="cpu",
)
"""The best one that runs on every CPU."""
