"""What a detector says of itself, in `entry.py` of a folder of its own; the folder's other modules do the work.

Nothing of a detector's libraries is imported until it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from liftline.models.catalogue import ModelFile
from liftline.models.devices import AUTO, check_device_name
from liftline.ports import Detector
from liftline.settings.checked import checked, field_infos
from liftline.skeletons import Skeleton


@checked
class DetectorOptions:
    """What every detector is told. Each extends it by what it knows itself; those fields become options and variables.

    A field's `json_schema_extra` may hold the `flag` and `metavar` of its option; its description is the help of both.
    """

    device: str = Field(default=AUTO, description="Where the detector runs; auto is CUDA if any.")

    @field_validator("device")
    @classmethod
    def _a_device(cls, device: str) -> str:
        check_device_name(device)
        return device

    def files(self) -> tuple[Path, ...]:
        """Files that decide what is found, besides those of the model."""
        return ()


@dataclass(frozen=True)
class Calibration:
    """How a model's own scores become scores of which 0.5 means the same everywhere: linear between pairs.

    `own` and `common` rise from 0 to 1; `measured` says where the figures are, "" where nothing was measured.
    """

    own: tuple[float, ...] = (0.0, 1.0)
    common: tuple[float, ...] = (0.0, 1.0)
    measured: str = ""

    def __call__(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scores of any shape as the model gives them, on the common scale; what is outside 0..1 is put at its end."""
        return np.asarray(np.interp(scores, self.own, self.common), np.float32)


UNMEASURED = Calibration()
"""Of models whose weights nobody had here to measure: their scores stay as they are."""


@dataclass(frozen=True)
class DetectorEntry:
    """A detector before it is built.

    Attributes:
        name: as users call it, and jobs, and the model that it tells, up to a slash.
        title: as texts call it.
        skeleton: what its keypoints are those of.
        keypoints: names of those that it can find; the others are missing in everyone.
        options: a class of what a user may choose of it.
        build: makes it of such options. Raises ModelError, UsageError.
        models: all model files that it can use.
        default_models: those that it needs if nothing is chosen.
        runs_on: the device that a built one runs on.
        warnings: what a user has to know of a built one, such as that it doesn't run on the GPU that is there.
        after_fetch: what is to be found out of a file of its models once that is there, in sentences for the user.
        calibration: of its keypoints' scores.
        preference: how much "auto" wants it on this machine with such options; the most wanted is taken.
        extra: what of `pyproject.toml` holds its libraries.
        image: the stage of the Dockerfile that runs it; none if empty.
    """

    name: str
    title: str
    skeleton: Skeleton
    keypoints: tuple[str, ...]
    options: type[DetectorOptions]
    build: Callable[[Any], Detector]
    models: tuple[ModelFile, ...] = ()
    default_models: tuple[ModelFile, ...] = ()
    runs_on: Callable[[Any], str] = lambda _detector: "cpu"
    warnings: Callable[[Any], Sequence[str]] = lambda _detector: ()
    after_fetch: Callable[[ModelFile], Sequence[str]] = lambda _model: ()
    calibration: Calibration = UNMEASURED
    preference: Callable[[Any], int] = lambda _options: 0
    extra: str = "detector"
    image: str = ""

    def chosen(self, given: Mapping[str, object]) -> DetectorOptions:
        """Its options where these values were chosen, of which others may be for others. Raises UsageError."""
        known = field_infos(self.options).keys() & given.keys()
        return self.options(**{name: given[name] for name in known})  # type: ignore[arg-type]
