"""Keypoint R-CNN as a detector: frames in batches, everyone above the score threshold out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from liftline.detections import People
from liftline.errors import LiftlineError, ModelError
from liftline.frames import Frame
from liftline.models import catalogue as models
from liftline.models.devices import resolve_device
from liftline.ports import Detector, ModelInfo
from liftline_detector.keypoint_rcnn import _network as network
from liftline_detector.keypoint_rcnn._from_instances import to_people
from liftline_detector.keypoint_rcnn.model_zoo import weights_of
from liftline_detector.keypoint_rcnn.options import NAME, KeypointRcnnOptions
from liftline_detector.keypoint_rcnn.preprocessing import InputFormat, network_input, scaled_on_device
from liftline_detector.keypoint_rcnn.weights import read_weights

Network = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
"""A Detectron2 model: "image", "height", "width" per frame in, "instances" per frame out."""

BATCH_ON_CUDA = 8
BATCH_ON_CPU = 1
"""On a CPU, batches only cost memory."""

_CPU = torch.device("cpu")
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class KeypointRcnnDetector(Detector):
    """A network on its device; it remembers no frames, so it is its own session."""

    def __init__(
        self, run: Network, form: InputFormat, model: ModelInfo, *, batch_size: int, device: torch.device = _CPU
    ) -> None:
        """`run` is a network that is ready to run, with pictures as `form` says, on `device`."""
        self._run, self._form, self._device = run, form, device
        self._model, self._batch_size = model, batch_size

    @classmethod
    def load(cls, options: KeypointRcnnOptions) -> KeypointRcnnDetector:
        """Build Detectron2's network and load its weights.

        Raises ModelError (Detectron2 or weights missing, weights refused), UsageError (config, device).
        """
        device = resolve_device(options.device)
        cfg = network.load_config(options.config, score_threshold=options.score_threshold, device=device)
        path, licence, source = _weights_file(options)
        weights = read_weights(path)
        built = network.build_network(cfg, weights, source=str(path))
        if options.precision in _DTYPES:
            network.lower_precision(built, _DTYPES[options.precision], device)
        info = ModelInfo(f"{NAME}/{Path(options.config).stem}", weights.sha256, licence, source)
        batch = BATCH_ON_CUDA if device.type == "cuda" else BATCH_ON_CPU
        return cls(built, network.input_format(cfg), info, batch_size=batch, device=device)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._device

    @property
    def model(self) -> ModelInfo:
        """The config's name; hash and licence of its weights."""
        return self._model

    @property
    def batch_size(self) -> int:
        """Frames per call that keep the device busy."""
        return self._batch_size

    @property
    def max_sessions(self) -> int:
        """One: a frame keeps the whole device, or all processors, busy."""
        return 1

    def start(self) -> KeypointRcnnDetector:
        """This detector: it remembers no frames."""
        return self

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each frame. Raises LiftlineError when the device's memory doesn't suffice for a single frame."""
        if not frames:
            return []
        try:
            with torch.inference_mode():
                results = self._run(self._inputs([frame.rgb for frame in frames]))
                return [to_people(result["instances"]) for result in results]
        except torch.OutOfMemoryError as error:
            if len(frames) == 1:
                raise LiftlineError(
                    f"{self._model.name}: the device's memory doesn't suffice for one frame; free some, or use "
                    "--device cpu."
                ) from error
        half = len(frames) // 2
        return self.detect(frames[:half]) + self.detect(frames[half:])

    def _inputs(self, pictures: Sequence[NDArray[np.uint8]]) -> list[dict[str, Any]]:
        if self._device.type == "cpu":
            return [network_input(picture, self._form) for picture in pictures]
        return scaled_on_device(pictures, self._form, self._device)


def _weights_file(options: KeypointRcnnOptions) -> tuple[Path, str, str]:
    """The file, its licence and where it is from. Raises ModelError."""
    if options.weights is not None:
        return options.weights, "unknown", str(options.weights)
    zoo = weights_of(options.config)
    if zoo is None:
        raise ModelError(
            f"--detectron-cfg {options.config}: Liftline knows no address of its weights; give --detectron-weights."
        )
    return models.verify(zoo), zoo.licence, zoo.origin
