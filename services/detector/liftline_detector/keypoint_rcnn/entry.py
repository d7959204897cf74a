"""What there is to know of Detectron2's Keypoint R-CNN before it is built."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

from pydantic import Field

from liftline.errors import ModelError
from liftline.models import catalogue
from liftline.models.catalogue import Address, ModelFile
from liftline.models.devices import resolve_device
from liftline.ports import Detector
from liftline.settings.checked import checked
from liftline.skeletons import COCO17
from liftline_detector.declaration import DetectorEntry, DetectorOptions

INSTALL = "run `make setup-detectron2`, or choose --detector blazepose, which needs nothing more"
DEFAULT_CONFIG = "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml"


def _model_zoo(config: str, model_id: int, md5_prefix: str, sha256: str | None = None) -> ModelFile:
    """An entry of Detectron2's MODEL_ZOO.md, which says that file names end in an MD5 prefix, and names the licence."""
    file_name = f"model_final_{md5_prefix}.pkl"
    url = f"https://dl.fbaipublicfiles.com/detectron2/COCO-Keypoints/{config}/{model_id}/{file_name}"
    return ModelFile(
        name=config,
        file_name=file_name,
        sha256=sha256,
        licence="CC BY-SA 3.0",
        origin="Detectron2 model zoo (Meta)",
        source=Address(url, max_bytes=1 << 30, md5_prefix=md5_prefix),
        optional=True,
        aliases=(f"COCO-Keypoints/{config}", f"{config}.yaml", f"COCO-Keypoints/{config}.yaml"),
    )


KEYPOINT_RCNN_R101 = _model_zoo("keypoint_rcnn_R_101_FPN_3x", 138363331, "997cc7")
MODEL_ZOO: tuple[ModelFile, ...] = (
    KEYPOINT_RCNN_R101,
    _model_zoo("keypoint_rcnn_R_50_FPN_1x", 137261548, "04e291"),
    # The SHA-256 is that of the copy at https://huggingface.co/xboix/detectron2-coco; nobody else published one.
    _model_zoo(
        "keypoint_rcnn_R_50_FPN_3x",
        137849621,
        "a6e10b",
        "48cc65c6f9ff63dabe64bf6082eb257d8515b42b31f0e44ff43cf9470f5107e4",
    ),
    _model_zoo("keypoint_rcnn_X_101_32x8d_FPN_3x", 139686956, "5ad38f"),
)


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


def weights_of(config: str) -> ModelFile | None:
    """The model zoo's file for a config, named with or without `COCO-Keypoints/` and `.yaml`."""
    return next((model for model in MODEL_ZOO if config in (model.name, *model.aliases)), None)


def is_installed() -> bool:
    """Whether Detectron2 can be found; importing it may still fail."""
    return importlib.util.find_spec("detectron2") is not None


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
    return 2 if is_ready(options) and resolve_device(options.device).type == "cuda" else 0


DETECTOR = DetectorEntry(
    name="detectron2",
    title="Detectron2",
    skeleton=COCO17,
    options=KeypointRcnnOptions,
    build=_build,
    models=MODEL_ZOO,
    default_models=(KEYPOINT_RCNN_R101,),
    devices=("cpu", "cuda"),
    preference=_preference,
    extra="detectron2",
    image="gpu",
)
