"""Keypoint R-CNN weights from a file, without running anything in it: the model zoo's `.pkl` and torch's `.pth`."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from liftline import pickles
from liftline.errors import InvalidInputError, ModelError

MAX_FILE_BYTES = 2 << 30
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
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(
                f"{path}: larger than {MAX_FILE_BYTES >> 30} GiB, so these are no weights; {_USE_ANOTHER}."
            )
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: can't read the weights ({error.strerror or error}); check the path.") from error
    content = _pickled(path) if path.suffix.lower() == ".pkl" else _saved(path)
    tensors = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(tensors, Mapping) or not tensors:
        raise ModelError(f"{path}: holds no weights under 'model'; {_USE_ANOTHER}.")
    return Weights({str(name): _tensor(value, str(name), path) for name, value in tensors.items()}, sha256)


def _pickled(path: Path) -> Any:
    try:
        return pickles.loads(path.read_bytes(), name=str(path))
    except InvalidInputError as error:
        raise ModelError(str(error)) from error


def _saved(path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols, which end in an error here
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: damaged, or holds more than weights, so it isn't loaded; {_USE_ANOTHER}.") from error
    except Exception as error:
        raise ModelError(f"{path}: a damaged torch file ({type(error).__name__}); {_USE_ANOTHER}.") from error


def _tensor(value: object, name: str, path: Path) -> Tensor:
    tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else value
    if not isinstance(tensor, Tensor) or tensor.layout is not torch.strided or tensor.device.type != "cpu":
        raise ModelError(f"{path}: '{name}' holds no numbers; {_USE_ANOTHER}.")
    return tensor
