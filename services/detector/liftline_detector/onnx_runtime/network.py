"""A network in ONNX: pictures in, its named outputs out, in batches that fit; what its detectors share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.errors import LiftlineError, ModelError, first_line
from liftline.frames import Frame
from liftline.models.devices import AUTO
from liftline.ports import Detector, ModelInfo
from liftline_detector.onnx_runtime.devices import (
    CUDA_INSTALL,
    NO_START,
    ON_CPU,
    Placement,
    import_runtime,
    on_cpu,
    placement,
    unusable,
)

Outputs = dict[str, NDArray[Any]]
"""Of one picture: arrays by the names that the network has for them, without the batch axis."""

BATCH_ON_GPU, BATCH_ON_CPU = 32, 8
"""Pictures of one call at most; on a CPU, more only cost memory."""
_ERROR = 3


class Network:
    """One network on its device; several threads may run it at once."""

    def __init__(
        self, content: bytes, *, name: str, device: str = "cpu", threads: int = 1, runtime: Any = None
    ) -> None:
        """Load a model file's bytes, which have to hold all weights; `runtime` is ONNX Runtime, or a fake in tests.

        Raises ModelError: no ONNX Runtime, another kind of file, or a device that was asked for and can't be used.
        """
        self.name = name
        runtime = import_runtime() if runtime is None else runtime
        wanted = placement(device, available=runtime.get_available_providers())
        self._session, self.placement = _open(runtime, content, wanted, name=name, device=device, threads=threads)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[1] != 3:
            shapes = [tuple(one.shape) for one in inputs]
            raise ModelError(f"{name}: takes {shapes}, not pictures (N, 3, height, width); use another file.")
        self._input, self._shape = inputs[0].name, inputs[0].shape
        self.outputs = {one.name: tuple(one.shape) for one in self._session.get_outputs()}
        fixed = self._shape[0] if isinstance(self._shape[0], int) else None
        self._fixed = fixed
        self.batch = fixed or (BATCH_ON_GPU if self.placement.on_gpu else BATCH_ON_CPU)

    def side_px(self, default: tuple[int, int]) -> tuple[int, int]:
        """Width and height of its pictures; the default where it takes any."""
        height, width = self._shape[2:]
        return (width, height) if isinstance(width, int) and isinstance(height, int) else default

    def wanted(self, *names: str) -> None:
        """Raise ModelError unless the network has outputs of these names."""
        if missing := [name for name in names if name not in self.outputs]:
            have = ", ".join(self.outputs)
            raise ModelError(f"{self.name}: has no output {' or '.join(missing)} (it has {have}); use another file.")

    def run(self, pictures: NDArray[np.float32]) -> list[Outputs]:
        """The outputs of each of the pictures (N, 3, height, width). Raises LiftlineError, also for memory."""
        found: list[Outputs] = []
        for start in range(0, len(pictures), self.batch):
            found += self._fitting(pictures[start : start + self.batch])
        return found

    def _fitting(self, pictures: NDArray[np.float32]) -> list[Outputs]:
        try:
            return self._call(pictures)
        except Exception as error:
            if not _is_memory(error):
                raise LiftlineError(f"{self.name}: can't be run ({first_line(error)}).") from error
            if len(pictures) == 1 or self._fixed:
                raise LiftlineError(
                    f"{self.name}: the device's memory doesn't suffice for one picture; free some, or use --device cpu."
                ) from error
        half = len(pictures) // 2
        self.batch = max(half, 1)
        return self._fitting(pictures[:half]) + self._fitting(pictures[half:])

    def _call(self, pictures: NDArray[np.float32]) -> list[Outputs]:
        count = len(pictures)
        if self._fixed and count < self._fixed:
            padding = np.zeros((self._fixed - count, *pictures.shape[1:]), np.float32)
            pictures = np.concatenate([pictures, padding])
        results = self._session.run(list(self.outputs), {self._input: pictures})
        return [dict(zip(self.outputs, parts, strict=True)) for parts in zip(*results, strict=True)][:count]


def _open(
    runtime: Any, content: bytes, wanted: Placement, *, name: str, device: str, threads: int
) -> tuple[Any, Placement]:
    """A session where it is wanted; "auto" falls back to the CPU with a warning, another name raises ModelError."""
    try:
        session = _session(runtime, content, wanted, threads)
    except Exception as error:
        if not wanted.on_gpu or _is_the_files(error):
            raise ModelError(
                f"{name}: ONNX Runtime can't load it ({first_line(error)}); get the file again, or use another."
            ) from error
        session = None
    if session is not None and session.get_providers()[0] == wanted.providers[0][0]:
        return session, wanted
    if device != AUTO:
        raise unusable(wanted.device)
    fallback = on_cpu(f"because ONNX Runtime couldn't start CUDA: {NO_START}", CUDA_INSTALL)
    return _session(runtime, content, ON_CPU, threads), fallback


def _session(runtime: Any, content: bytes, wanted: Placement, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _ERROR
    return runtime.InferenceSession(content, options, providers=list(wanted.providers))


def _is_the_files(error: Exception) -> bool:
    """Whether it is the file that is wrong, and no device."""
    return type(error).__name__ in ("InvalidProtobuf", "InvalidGraph", "NoSuchFile", "NotImplemented")


def _is_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or "allocate memory" in text or "out of memory" in text or "bad_alloc" in text


def same_device(networks: Sequence[Network]) -> Placement:
    """Where several networks of one detector run: the first that has something to warn of, else the first."""
    placements = [network.placement for network in networks]
    return next((one for one in placements if one.warning), placements[0])


class OnnxDetector(Detector):
    """A detector that is its own session. `warnings` are sentences for the user."""

    def __init__(self, model: ModelInfo, placement: Placement, warnings: Sequence[str] = ()) -> None:
        """A detector of networks that are loaded, and placed there."""
        self._model, self.placement = model, placement
        self.warnings = (*warnings, *([placement.warning] if placement.warning else []))

    @property
    def model(self) -> ModelInfo:
        """All networks; the hash covers all of their files."""
        return self._model

    @property
    def batch_size(self) -> int:
        """Frames per call that keep the device busy."""
        return self.placement.frames_per_call

    @property
    def max_sessions(self) -> int | None:
        """One on a GPU; on a CPU as many as there are processors: a call keeps one of them busy."""
        return self.placement.max_sessions

    def start(self) -> Self:
        """This detector: it remembers no frames."""
        return self

    @abstractmethod
    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each frame whose score reaches the threshold, the best first."""
