"""Keypoint R-CNN weights from a file, without running anything in it: the model zoo's `.pkl` and torch's `.pth`."""

from __future__ import annotations

import hashlib
import io
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from liftline.errors import InvalidInputError, ModelError
from liftline.files import pickles, torch_files

MAX_FILE_BYTES = 1 << 30
_USE_ANOTHER = "use a Keypoint R-CNN of Detectron2's model zoo or a checkpoint of its trainer"


@dataclass(frozen=True)
class Weights:
    """Tensors by their name in the network, and the SHA-256 of the file they are from."""

    tensors: Mapping[str, Tensor]
    sha256: str


def read_weights(path: Path) -> Weights:
    """Read `{"model": ...}` as Detectron2 writes it.

    Raises:
        ModelError: missing, too large, damaged, holding more than weights, or of another kind.
    """
    data = _read(path)
    content = _pickled(data, path) if path.suffix.lower() == ".pkl" else _saved(data, path)
    tensors = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(tensors, Mapping) or not tensors:
        raise ModelError(f"{path}: holds no weights under 'model'; {_USE_ANOTHER}.")
    sha256 = hashlib.sha256(data).hexdigest()
    return Weights({str(name): _tensor(value, str(name), path) for name, value in tensors.items()}, sha256)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: larger than {MAX_FILE_BYTES >> 30} GiB: these are no weights; {_USE_ANOTHER}.")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: can't read the weights ({error.strerror or error}); check the path.") from error


def _pickled(data: bytes, path: Path) -> Any:
    try:
        return pickles.loads(data, name=str(path))
    except InvalidInputError as error:
        raise ModelError(str(error)) from error


def _saved(data: bytes, path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols, which end in an error here
            return torch.load(io.BytesIO(torch_files.checked(data)), map_location="cpu", weights_only=True)
    except ModelError as error:
        raise ModelError(f"{path}: {error}; {_USE_ANOTHER}.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: damaged, or holds more than weights, so it isn't loaded; {_USE_ANOTHER}.") from error
    except Exception as error:
        raise ModelError(f"{path}: a damaged torch file ({type(error).__name__}); {_USE_ANOTHER}.") from error


def _tensor(value: object, name: str, path: Path) -> Tensor:
    tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else value
    if not isinstance(tensor, Tensor) or tensor.layout is not torch.strided or tensor.device.type != "cpu":
        raise ModelError(f"{path}: '{name}' holds no numbers; {_USE_ANOTHER}.")
    return tensor
