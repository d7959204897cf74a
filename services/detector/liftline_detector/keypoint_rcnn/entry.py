"""What there is to know of Detectron2's Keypoint R-CNN before it is built."""

from __future__ import annotations

from liftline.errors import ModelError
from liftline.models import catalogue
from liftline.models.devices import resolve_device
from liftline.ports import Detector
from liftline.skeletons import COCO17
from liftline_detector.declaration import DetectorEntry
from liftline_detector.keypoint_rcnn.model_zoo import KEYPOINT_RCNN_R101, MODEL_ZOO, weights_of
from liftline_detector.keypoint_rcnn.options import INSTALL, NAME, KeypointRcnnOptions, is_installed


def is_ready(options: KeypointRcnnOptions) -> bool:
    """Whether Detectron2 can be imported and its weights are there; nothing is loaded."""
    zoo = weights_of(options.config)
    file = options.weights or (catalogue.path(zoo) if zoo else None)
    return is_installed() and file is not None and file.is_file()


def _build(options: KeypointRcnnOptions) -> Detector:
    try:
        from liftline_detector.keypoint_rcnn.detector import KeypointRcnnDetector
    except ImportError as error:
        raise ModelError(f"Detectron2 needs PyTorch and Pillow ({error}); {INSTALL}.") from error

    return KeypointRcnnDetector.load(options)


def _preference(options: KeypointRcnnOptions) -> int:
    """Where it can run on a GPU it is the better one."""
    return 3 if is_ready(options) and resolve_device(options.device).type == "cuda" else 0


DETECTOR = DetectorEntry(
    name=NAME,
    title="Detectron2",
    skeleton=COCO17,
    keypoints=COCO17.joints,
    options=KeypointRcnnOptions,
    build=_build,
    models=MODEL_ZOO,
    default_models=(KEYPOINT_RCNN_R101,),
    runs_on=lambda detector: str(detector.device),
    preference=_preference,
    extra="detectron2",
    image="gpu",
)
