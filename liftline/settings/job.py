"""What a job may be asked for: every choice with its default, its check and its help, here and nowhere else.

To add one, add a field to the class of its stage and a field of the same name (or of its `serialization_alias`) to
`JobSettings` in `protos/liftline/v1/job_service.proto`. The command line, both clients, the gateway and the stage's
own settings have it then; a field whose default isn't zero is `optional` there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, WrapValidator, field_validator

from liftline.settings.checked import InvalidSettingsError, checked, each_once, field_infos

if TYPE_CHECKING:
    from liftline.v1 import job_service_pb2 as api

Smoothing = Literal["none", "one-euro", "butterworth", "savgol"]
Layout = Literal["overlay", "side-by-side", "3d"]
Overlay = Literal["poses", "keypoints"]
BvhProfile = Literal["humanik", "mixamo", "lafan"]
TrcNames = Literal["halpe26", "h36m"]
ExportFormat = Literal[
    "json",
    "csv",
    "npy",
    "trc",
    "angles",
    "angle-plots",
    "bvh",
    "glb",
    "vrma",
    "c3d",
    "parquet",
    "rrd",
    "openpose",
    "calibration",
]

DETECTOR_NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
NARROWEST_VIEW_DEG, WIDEST_VIEW_DEG = 1.0, 170.0
"""Fields of view that a lens without distortion can have."""
LONGEST_FOCAL_PX = 1e6
"""Of the narrowest view across the widest picture, 16,384 pixels, rounded up."""
SHORTEST_PERSON_M, TALLEST_PERSON_M = 0.4, 2.8
"""Heights of people that are accepted: from a baby to the tallest person there ever was."""
MOST_HEIGHTS, MOST_PEOPLE = 50, 10_000
T = TypeVar("T")


def _once_each(pairs: object) -> object:
    """Pairs as a mapping. Raises ValueError where a person occurs twice."""
    if isinstance(pairs, Mapping) or not isinstance(pairs, Iterable):
        return pairs
    heights = dict[object, object]()
    for person, height_m in pairs:
        if person in heights:
            raise ValueError(f"two heights are given for person {person}; give one.")
        heights[person] = height_m
    return heights


@checked
class LiftChoices:
    """How people become 3D. Heights are standing ones; `person_heights_m` (track id -> metres, or pairs) goes first."""

    smooth: Smoothing = Field(
        default="butterworth", serialization_alias="smoothing", description="Smoothing in time."
    )  # fmt: skip
    native_rate: bool = Field(default=False, description="Don't resample to the rate of the weights.")
    focal_px: float | None = Field(
        default=None,
        ge=1.0,
        le=LONGEST_FOCAL_PX,
        allow_inf_nan=False,
        description="Focal length in pixels. [default: a usual one]",
    )
    fov_deg: float | None = Field(
        default=None, ge=NARROWEST_VIEW_DEG, le=WIDEST_VIEW_DEG,
        description="The same as the field of view across the upright picture's width.",
        json_schema_extra={"flag": "--fov", "metavar": "DEGREES"},
    )  # fmt: skip
    person_height_m: float | None = Field(
        default=None, ge=SHORTEST_PERSON_M, le=TALLEST_PERSON_M,
        description="How tall everyone is, in metres, or the person of that number; repeatable. [default: not known]",
        json_schema_extra={"flag": "--person-height", "metavar": "M|ID=M"},
    )  # fmt: skip
    person_heights_m: Annotated[
        Mapping[int, Annotated[float, Field(ge=SHORTEST_PERSON_M, le=TALLEST_PERSON_M)]], BeforeValidator(_once_each)
    ] = Field(
        default_factory=dict, max_length=MOST_HEIGHTS, serialization_alias="person_heights",
        description="How tall people of these numbers are, in metres.", json_schema_extra={"flag": "--person-height"},
    )  # fmt: skip
    common_floor: bool = Field(default=True, description="Size people so that all stand on one floor.")
    repair_sides: bool = Field(default=True, description="Undo exchanged left and right arms or legs.")
    reject_outliers: bool = Field(default=True, description="Replace keypoints that jump impossibly.")
    constant_bones: bool = Field(default=True, description="Give a person bones of constant length.")
    lock_feet: bool = Field(default=True, description="Keep feet in place while they stand.")

    @field_validator("fov_deg")
    @classmethod
    def _one_camera(cls, fov_deg: float | None, info: ValidationInfo) -> float | None:
        if fov_deg is not None and info.data.get("focal_px") is not None:
            raise ValueError("focal_px and fov_deg both say how wide the camera sees; give one of them.")
        return fov_deg


@checked
class RenderChoices:
    """What the renderer is asked for."""

    layout: Layout = Field(default="side-by-side", description="What the video shows.")
    overlay: Overlay = Field(
        default="poses", description="What is drawn over it: the 3D result, or the keypoints that were seen."
    )  # fmt: skip


@checked
class ExportChoices:
    """How formats of the poses are written."""

    trc_names: TrcNames = Field(
        default="halpe26", description="Marker names in TRC: those that Pose2Sim's OpenSim models know, or Human3.6M's."
    )  # fmt: skip
    bvh_profile: BvhProfile = Field(
        default="humanik",
        description="Joint names in BVH: MotionBuilder's, Mixamo's, or LAFAN1's at 30 frames a second.",
    )


@checked
class JobSettings(ExportChoices, RenderChoices, LiftChoices):
    """All that a client may choose; what isn't here is the deployment's choice, or the machine's.

    Example:
        >>> JobSettings(fov_deg=70, export=("trc",)).smooth
        'butterworth'
    """

    detector: str | None = Field(default=None, description="Fail unless the deployment runs this one. [default: any]")
    max_people: int | None = Field(
        default=None,
        ge=1,
        le=MOST_PEOPLE,
        description="Most people at a time, the most prominent first. [default: all]",
    )
    export: Annotated[tuple[ExportFormat, ...], WrapValidator(each_once)] = Field(
        default=(), serialization_alias="export_formats", json_schema_extra={"metavar": "LIST"},
        description=f"Also write {', '.join(get_args(ExportFormat))}.",
    )  # fmt: skip

    @field_validator("detector")
    @classmethod
    def _a_name(cls, detector: str | None) -> str | None:
        if detector is not None and not re.fullmatch(DETECTOR_NAME, detector):
            raise ValueError(f"{detector!r} is no detector's name; small letters, digits, '-' and '_' are.")
        return detector

    @classmethod
    def from_proto(cls, message: api.JobSettings) -> JobSettings:
        """What a request or a task asks for. Raises InvalidSettingsError, whose paths are the message's."""
        from liftline.settings import _job_wire

        try:
            return cls(**_job_wire.values_of(message, field_infos(cls)))
        except InvalidSettingsError as error:
            problems = [_job_wire.problem_of(one, message, field_infos(cls)) for one in error.problems]
            raise InvalidSettingsError(problems) from error

    def to_proto(self) -> api.JobSettings:
        """These settings as the message that requests and tasks carry."""
        from liftline.settings import _job_wire

        return _job_wire.message_of(self, field_infos(type(self)))


def of_job(kind: type[T], job: LiftChoices | RenderChoices | ExportChoices, **others: Any) -> T:
    """A stage's settings: those fields of the dataclass `kind` that the job has are the job's."""
    shared = {field.name for field in fields(kind)} & {field.name for field in fields(job)}  # type: ignore[arg-type]
    return kind(**{name: getattr(job, name) for name in shared} | others)
