"""Which processor a model runs on, as users name it: auto, cpu, cuda or cuda:N; ONNX models know two more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from liftline.errors import UsageError

if TYPE_CHECKING:
    import torch

AUTO = "auto"
NAME_PATTERN = r"^(auto|cpu|cuda(:\d+)?)$"
"""What a device may be called."""
ONNX_NAME_PATTERN = r"^(auto|cpu|cuda(:\d+)?|tensorrt(:\d+)?|coreml)$"
"""What a device of a model in ONNX may be called: TensorRT computes on a CUDA device, CoreML on Apple's processors."""


def check_device_name(name: str) -> None:
    """Raise UsageError unless `name` is one that `resolve_device` understands."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise UsageError(f"There is no device '{name}'; use auto, cpu, cuda or cuda:N.")


def check_onnx_device_name(name: str) -> None:
    """Raise UsageError unless an ONNX model may be told to run there."""
    if re.fullmatch(ONNX_NAME_PATTERN, name) is None:
        raise UsageError(
            f"There is no device '{name}'; use auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N or coreml."
        )  # fmt: skip


def torch_device_name(name: str) -> str:
    """What PyTorch runs on beside an ONNX model on the device of that name: TensorRT's CUDA device, CoreML's CPU."""
    if name.startswith("tensorrt"):
        return name.replace("tensorrt", "cuda", 1)
    return "cpu" if name == "coreml" else name


def resolve_device(name: str) -> torch.device:
    """The torch device of that name; "auto" is the first CUDA device if there is one, else the CPU.

    Raises UsageError for another name and for a CUDA device that isn't there.
    """
    import torch

    check_device_name(name)
    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise UsageError(f"--device {name}: PyTorch sees {count} CUDA devices here; use auto or cpu.")
    return device
