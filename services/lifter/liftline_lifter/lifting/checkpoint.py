"""Load a lifting network: our safetensors files, or VideoPose3D's own `.bin` files.

A checkpoint is data from strangers. safetensors can't carry code; the `.bin` files are pickles, read by
`official_weights.read_states`, which runs nothing they ask for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from liftline.errors import ModelError, UsageError
from liftline.files.torch_files import looks_like
from liftline.ports import ModelInfo
from liftline.skeletons import H36M17_FEET_HANDS
from liftline_lifter.lifting._official_weights import (
    VIDEOPOSE3D_LICENCE,
    VIDEOPOSE3D_RATE_HZ,
    read_states,
)
from liftline_lifter.lifting.features import FEATURES
from liftline_lifter.lifting.network import JOINTS_IN, JOINTS_OUT, TemporalModel
from liftline_lifter.lifting.normalise import Normalisation

SCHEMA_VERSION = 1
METADATA_KEY = "liftline"
"""Where the safetensors header keeps our metadata, as JSON."""

BUNDLED_FILE = "liftline_h36m17_81f.safetensors"

_LARGEST_FILE_BYTES = 1 << 30
_LONGEST_RECEPTIVE_FIELD = 2187
_MOST_CHANNELS = 8192
_USE_ANOTHER = "use the bundled checkpoint or an unaltered one of Liftline's or VideoPose3D's"

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class LifterCheckpoint:
    """A lifting network in evaluation mode, and what is known about it.

    Attributes:
        pose_model: (B, T + receptive_field - 1, 17, 2) normalised keypoints -> (B, T, 17, 3) root-relative metres; with
            `person_features`, features -> (B, T, 29, 3), Human3.6M-17, feet and hands.
        trajectory_model: the same for the root, (B, T, 1, 3); or None.
        normalisation: of the keypoints.
        rate_hz: frames per second it was trained on.
        name: for logs and manifests.
        sha256: of the file.
        licence: of the weights.
        training: summary of how the weights were made; empty where unknown.
    """

    pose_model: TemporalModel
    trajectory_model: TemporalModel | None
    normalisation: Normalisation
    rate_hz: float
    name: str
    sha256: str
    licence: str
    training: str = ""

    @property
    def filter_widths(self) -> tuple[int, ...]:
        """Frames each block looks at: VideoPose3D's architecture, `-arc`."""
        return self.pose_model.filter_widths

    @property
    def reads_scores(self) -> bool:
        """Whether it is given scores, and what there is of feet and hands."""
        return self.normalisation is Normalisation.PERSON_FEATURES

    @property
    def causal(self) -> bool:
        """Whether it looks at past frames only."""
        return self.pose_model.causal


def bundled_checkpoint_path() -> Path:
    """Path of the weights that come with Liftline."""
    return Path(__file__).parent / "weights" / BUNDLED_FILE


def checkpoint_model(checkpoint: LifterCheckpoint, path: Path | None) -> ModelInfo:
    """What to tell about it in log, manifest and status; `path` is None for the bundled one."""
    return ModelInfo(
        checkpoint.name, checkpoint.sha256, checkpoint.licence, "bundled with Liftline" if path is None else str(path)
    )


def load_checkpoint(path: Path, *, causal: bool = False) -> LifterCheckpoint:
    """Load a checkpoint of either format, recognised by its content.

    Args:
        path: the file.
        causal: a VideoPose3D file is of a network that looks at past frames only, which its weights don't tell;
            ours say it themselves.

    Raises:
        ModelError: missing, damaged, unsafe, or no network from COCO-17 keypoints to Human3.6M-17 joints.
        UsageError: `causal` for a checkpoint of ours that isn't.
    """
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if looks_like(data):
            return _videopose3d_checkpoint(data, path.stem, sha256, causal=causal)
        own = _own_checkpoint(data, sha256)
    except ModelError as error:
        raise ModelError(f"{path}: {error}; {_USE_ANOTHER}") from error
    if causal and not own.causal:
        raise UsageError(f"{path}: says itself that it looks at future frames too, so it can't be used as causal.")
    return own


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise ModelError(f"{path}: larger than 1 GiB, so this is no lifter checkpoint; {_USE_ANOTHER}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: can't read the lifter checkpoint ({error.strerror}); {_USE_ANOTHER}") from error


def _videopose3d_checkpoint(data: bytes, name: str, sha256: str, *, causal: bool) -> LifterCheckpoint:
    states = read_states(data)
    pose = build_model(states.pose, joints_out=JOINTS_OUT, causal=causal)
    trajectory = build_model(states.trajectory, joints_out=1, causal=causal) if states.trajectory else None
    if trajectory and trajectory.filter_widths != pose.filter_widths:
        raise ModelError(f"its networks for poses {pose.filter_widths} and root {trajectory.filter_widths} don't fit")
    return LifterCheckpoint(
        pose_model=pose,
        trajectory_model=trajectory,
        normalisation=Normalisation.IMAGE_WIDTH,
        rate_hz=VIDEOPOSE3D_RATE_HZ,
        name=name,
        sha256=sha256,
        licence=VIDEOPOSE3D_LICENCE,
    )


def _own_checkpoint(data: bytes, sha256: str) -> LifterCheckpoint:
    try:
        state = safetensors.torch.load(data)
        metadata = _metadata(data)
        normalisation = Normalisation(metadata["normalisation"])
        widths, channels = tuple(metadata["filter_widths"]), int(metadata["channels"])
        rate_hz, causal = float(metadata["rate_hz"]), metadata["causal"]
        name, licence, training = (str(metadata[key]) for key in ("name", "licence", "training"))
    except safetensors.SafetensorError as error:
        raise ModelError(f"neither a safetensors nor a torch file, or a damaged one ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the metadata of a Liftline checkpoint is missing or incomplete ({error!r})") from error
    if not isinstance(causal, bool) or not 1 <= rate_hz <= 1000:
        raise ModelError(f"its metadata says causal {causal!r}, rate {rate_hz} Hz, which can't be")
    if normalisation is Normalisation.PERSON_FEATURES:
        model = build_model(state, joints_out=len(H36M17_FEET_HANDS), features_in=FEATURES, causal=causal)
    else:
        model = build_model(state, joints_out=JOINTS_OUT, causal=causal)
    if (model.filter_widths, model.channels) != (widths, channels):
        raise ModelError(
            f"its metadata says {widths} x {channels}, its weights {model.filter_widths} x {model.channels}"
        )
    return LifterCheckpoint(model, None, normalisation, rate_hz, name, sha256, licence, training)


def _metadata(data: bytes) -> dict[str, Any]:
    """Our metadata from the header: eight bytes of length, little endian, then JSON."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = json.loads(header["__metadata__"][METADATA_KEY])
    if not isinstance(metadata, dict):
        raise TypeError("metadata is no object")
    if metadata["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema version {metadata['schema_version']}, this Liftline reads {SCHEMA_VERSION}")
    return metadata


def build_model(
    state: State, *, joints_out: int, features_in: int = 2 * JOINTS_IN, causal: bool = False
) -> TemporalModel:
    """The network that these weights belong to, its widths told from their shapes, in evaluation mode.

    Raises:
        ModelError: the weights are incomplete, of other shapes, for other joints, or not finite.
    """
    widths, channels = _architecture(state)
    with torch.device("meta"):
        model = TemporalModel(widths, channels, joints_out=joints_out, features_in=features_in, causal=causal)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise ModelError(
            f"no lifter from {_read_by(features_in)} to {joints_out} joints: {name} is {found.get(name, 'missing')}, "
            f"expected {expected.get(name, 'nothing')} ({len(wrong)} such differences)"
        )
    weights = {name: t.float() if t.is_floating_point() else t for name, t in state.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ModelError("its weights aren't all finite numbers")
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)


def _read_by(features_in: int) -> str:
    return f"{JOINTS_IN} keypoints" if features_in == 2 * JOINTS_IN else f"{features_in} features"


def _architecture(state: State) -> tuple[tuple[int, ...], int]:
    """Filter widths and channels, told from the shapes of the convolutions."""
    names = ["expand_conv.weight"]
    while (name := f"layers_conv.{2 * len(names) - 2}.weight") in state:
        names.append(name)
    shapes = [tuple(state[name].shape) if name in state else () for name in names]
    if any(len(shape) != 3 for shape in shapes):
        raise ModelError("it holds no weights of a temporal model (expand_conv, layers_conv, shrink)")
    widths, channels = tuple(shape[2] for shape in shapes), shapes[0][0]
    if any(w < 1 or w % 2 == 0 for w in widths) or prod(widths) > _LONGEST_RECEPTIVE_FIELD:
        raise ModelError(f"filter widths {widths} are even or too long (at most {_LONGEST_RECEPTIVE_FIELD} frames)")
    if not 1 <= channels <= _MOST_CHANNELS:
        raise ModelError(f"{channels} channels are out of range (at most {_MOST_CHANNELS})")
    return widths, channels
