"""Detectron2 itself: the one module that imports it. Config by name or file, network, weights.

Not imported: `detectron2.model_zoo`, which needs pkg_resources, and `DefaultPredictor`, which loads weights by plain
pickle. Source: https://github.com/facebookresearch/detectron2, Apache-2.0.
"""

from __future__ import annotations

import importlib.resources
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from liftline.errors import ModelError, UsageError, first_line
from liftline.skeletons import COCO17
from liftline_detector.keypoint_rcnn.options import INSTALL, is_installed
from liftline_detector.keypoint_rcnn.preprocessing import InputFormat
from liftline_detector.keypoint_rcnn.weights import Weights

_NOT_IN_FILES = ("proposal_generator.anchor_generator.cell_anchors.", "pixel_mean", "pixel_std")
"""Constants of the network, which some files hold and others don't."""


def load_config(name: str, *, score_threshold: float, device: torch.device) -> Any:
    """A Detectron2 config for inference, by a name as "COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml" or a yaml file.

    A file is read by yaml's safe loader; its own MODEL.WEIGHTS is not used.

    Raises:
        ModelError: Detectron2 isn't installed or can't be imported.
        UsageError: no such config, or one that doesn't detect people with COCO's keypoints.
    """
    get_cfg = _detectron2_config()
    cfg, path = get_cfg(), config_file(name)
    try:
        cfg.merge_from_file(str(path), allow_unsafe=False)
    except Exception as error:
        raise UsageError(f"--detectron-cfg {name}: not a Detectron2 config ({first_line(error)}).") from error
    _check_kind(cfg, name)
    cfg.MODEL.DEVICE, cfg.MODEL.WEIGHTS = str(device), ""
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = score_threshold
    cfg.freeze()
    return cfg


def config_file(name: str) -> Path:
    """The yaml file of that path, or the one of that name among Detectron2's own. Raises UsageError."""
    if Path(name).is_file():
        return Path(name)
    own = Path(str(importlib.resources.files("detectron2"))) / "model_zoo" / "configs"
    relative = Path(name if name.endswith(".yaml") else f"{name}.yaml")
    if not relative.is_absolute() and ".." not in relative.parts and (own / relative).is_file():
        return own / relative
    known = sorted(str(path.relative_to(own)) for path in own.glob("COCO-Keypoints/keypoint_rcnn_*.yaml"))
    raise UsageError(f"--detectron-cfg {name}: no such file or config; the installed ones are {', '.join(known)}.")


def build_network(cfg: Any, weights: Weights, *, source: str) -> torch.nn.Module:
    """The network in evaluation mode on its device. Raises ModelError when the weights are another network's."""
    from detectron2.modeling import build_model

    network: torch.nn.Module = build_model(cfg)
    _load(network, weights.tensors, source)
    return network.eval().requires_grad_(False)


def input_format(cfg: Any) -> InputFormat:
    """Size and colour order of the pictures that a config's network takes."""
    return InputFormat(cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST, cfg.INPUT.FORMAT)


def lower_precision(network: Any, dtype: torch.dtype, device: torch.device) -> None:
    """Compute the backbone, where most of the time goes, in `dtype`; what finds boxes and keypoints stays float32."""
    backbone = network.backbone
    backbone.to(memory_format=torch.channels_last)
    forward = backbone.forward

    def lower(images: Tensor) -> dict[str, Tensor]:
        with torch.autocast(device.type, dtype):
            features = forward(images.contiguous(memory_format=torch.channels_last))
        return {name: feature.float() for name, feature in features.items()}

    backbone.forward = lower


def _detectron2_config() -> Any:
    if not is_installed():
        raise ModelError(f"Detectron2 isn't installed; {INSTALL}.")
    try:
        with warnings.catch_warnings(action="ignore"):  # of what Detectron2 itself uses
            from detectron2.config import get_cfg
    except Exception as error:
        raise ModelError(f"Detectron2 is installed but can't be imported ({first_line(error)}); {INSTALL}.") from error
    return get_cfg


def _check_kind(cfg: Any, name: str) -> None:
    keypoints, classes = cfg.MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS, cfg.MODEL.ROI_HEADS.NUM_CLASSES
    if not cfg.MODEL.KEYPOINT_ON or (keypoints, classes) != (len(COCO17), 1):
        raise UsageError(
            f"--detectron-cfg {name}: doesn't find people with COCO's {len(COCO17)} keypoints; use a COCO-Keypoints "
            "config."
        )


def _load(network: torch.nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    own = network.state_dict()
    wanted = {key: tuple(value.shape) for key, value in own.items() if not key.startswith(_NOT_IN_FILES)}
    found = {key: tuple(value.shape) for key, value in tensors.items() if not key.startswith(_NOT_IN_FILES)}
    wrong = sorted(key for key in wanted | found if wanted.get(key) != found.get(key))
    if wrong:
        key = wrong[0]
        raise ModelError(
            f"{source}: weights of another network than --detectron-cfg tells: {key} is {found.get(key, 'missing')}, "
            f"expected {wanted.get(key, 'nothing')} ({len(wrong)} such differences)."
        )
    if not all(bool(torch.isfinite(tensors[key]).all()) for key in wanted):
        raise ModelError(f"{source}: its weights aren't all finite numbers; get the file again.")
    network.load_state_dict({key: tensors[key] for key in wanted}, strict=False)
