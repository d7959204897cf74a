"""What a user may choose of detectors with networks in ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from liftline.models.devices import AUTO, check_onnx_device_name
from liftline.settings.checked import checked
from liftline_detector.declaration import DetectorOptions

FinderName = Literal[
    "yolox-nano", "yolox-tiny", "yolox-s", "yolox-m", "yolox-l", "yolox-x", "rtmdet-nano", "rtmdet-m",
]  # fmt: skip


@checked
class OnnxOptions(DetectorOptions):
    """What each of them is told; `pose_size`, which has another default in each, is one of its `sizes`."""

    sizes: ClassVar[tuple[str, ...]] = ()

    device: str = Field(default=AUTO, description="Where the detector runs; auto is CUDA if any.")
    threads: int = Field(default=1, ge=1, description="Threads of one call of the model.")
    pose_weights: Path | None = Field(
        default=None, description="A pose network of your own. [default: --pose-size's]",
        json_schema_extra={"metavar": "FILE.onnx"},
    )  # fmt: skip

    @field_validator("device")
    @classmethod
    def _a_device(cls, device: str) -> str:
        check_onnx_device_name(device)
        return device

    @field_validator("pose_size", check_fields=False)
    @classmethod
    def _a_size(cls, size: str) -> str:
        if size not in cls.sizes:
            raise ValueError(f"there is no size {size!r}; choose one of: {', '.join(cls.sizes)}.")
        return size

    def files(self) -> tuple[Path, ...]:
        """Networks that the user brings."""
        return () if self.pose_weights is None else (self.pose_weights,)


@checked
class TopDownOptions(OnnxOptions):
    """What those are told that read people whom another network finds."""

    score_threshold: float = Field(default=0.3, ge=0, le=1, description="People below it aren't reported.")
    person_finder: FinderName = Field(default="yolox-m", description="The network that finds people.")
    finder_weights: Path | None = Field(
        default=None,
        description="A YOLOX or RTMDet of your own, --person-finder tells which. [default: the published one]",
        json_schema_extra={"metavar": "FILE.onnx"},
    )
    pose_colours: Literal["auto", "rgb", "bgr"] = Field(
        default="auto", description="Colour order of the pose network; auto is what a bundled picture shows."
    )

    def files(self) -> tuple[Path, ...]:
        """Networks that the user brings."""
        return (*OnnxOptions.files(self), *(() if self.finder_weights is None else (self.finder_weights,)))
