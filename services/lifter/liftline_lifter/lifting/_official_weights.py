"""VideoPose3D's `.bin` checkpoints, read without running anything that they ask for.

They are dicts written by `torch.save`: `epoch, lr, random_state, optimizer, model_pos`, and for semi-supervised models
`model_traj`, which can be None. `random_state` is a pickled NumPy RandomState, which torch's restricted unpickler
refuses. Nobody needs it here, so the names it is pickled under (those of NumPy in 2019, and today's) stand for an
object that forgets what it's given, and no other name is added to torch's list. `torch_files` looks at the file first.
"""

from __future__ import annotations

import io
import pickle
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor

from liftline.errors import ModelError
from liftline.files.torch_files import checked

VIDEOPOSE3D_RATE_HZ = 50.0
"""Human3.6M's cameras ran at 50 Hz."""

VIDEOPOSE3D_LICENCE = "CC BY-NC 4.0"

_RANDOM_STATE_NAMES = (
    "numpy.random.__RandomState_ctor",  # until NumPy 1.16, which wrote the official files
    "numpy.core.multiarray._reconstruct",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._mt19937.MT19937",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
)

# What torch raises on damaged files, besides the refusal itself, has no common base.
_UNREADABLE = (
    RuntimeError, EOFError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError,
    MemoryError, AssertionError, ImportError, OSError, struct.error,
)  # fmt: skip


class _Forgotten:
    """Stands for every NumPy name in a RandomState: takes any arguments and any state, keeps nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


@dataclass(frozen=True)
class States:
    """State dicts of the pose network and, where there is one, the trajectory network."""

    pose: Mapping[str, Tensor]
    trajectory: Mapping[str, Tensor] | None


def read_states(data: bytes) -> States:
    """The weights in a `.bin` file.

    Raises:
        ModelError: damaged, asking for more than tensors and a RandomState, or without the networks' weights.
    """
    names = (name.rpartition(".") for name in _RANDOM_STATE_NAMES)
    content = _load(checked(data, names=[f"{module} {name}" for module, _, name in names]))
    if not isinstance(content, dict):
        raise ModelError("a torch file, but no VideoPose3D checkpoint (a dict with model_pos)")
    pose, trajectory = content.get("model_pos"), content.get("model_traj")
    if not _is_state(pose) or not (trajectory is None or _is_state(trajectory)):
        raise ModelError("a torch file, but without VideoPose3D's weights under model_pos (and model_traj)")
    if sum(t.numel() * t.element_size() for t in (*pose.values(), *(trajectory or {}).values())) > len(data):
        raise ModelError("a torch file that has fewer weights than it says; not loaded")
    return States(pose, trajectory)


def _load(data: bytes) -> Any:
    """torch's restricted reading. Raises ModelError."""
    stand_ins: list[Callable[..., Any] | tuple[Callable[..., Any], str]]
    stand_ins = [(_Forgotten, name) for name in _RANDOM_STATE_NAMES]
    try:
        # torch warns of pickle protocols that its restricted unpickler may not read; not reading is an error here.
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings(action="ignore"):
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"a pickle that is damaged or asks for more than weights, not loaded ({_short(error)})"
        ) from error
    except _UNREADABLE as error:
        raise ModelError(f"a damaged torch file ({_short(error)})") from error


def _is_state(value: object) -> TypeGuard[Mapping[str, Tensor]]:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) and _is_plain(v) for k, v in value.items())
    )


def _is_plain(tensor: Tensor) -> bool:
    """Whether it holds all its numbers, in order: not sparse, not without storage, not one number over and over."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        return False
    return tensor.is_contiguous() and (tensor.is_floating_point() or tensor.dtype is torch.int64)


def _short(error: BaseException) -> str:
    """The first sentence of torch's long messages, which end in advice to switch the protection off."""
    text = str(error).split("WeightsUnpickler error:")[-1].strip() or type(error).__name__
    return text.splitlines()[0].split(". ")[0][:160]
