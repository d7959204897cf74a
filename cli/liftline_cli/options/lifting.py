"""How 2D becomes 3D: the options of every command that lifts, here or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import typer

from liftline.camera import NARROWEST_VIEW_DEG, WIDEST_VIEW_DEG
from liftline.errors import UsageError
from liftline_cli.options.common import LIFTING
from liftline_cli.options.groups import takes_group


class Smooth(StrEnum):
    """How the 3D poses are smoothed in time."""

    NONE = "none"
    ONE_EURO = "one-euro"
    BUTTERWORTH = "butterworth"
    SAVGOL = "savgol"


def _without(name: str, text: str) -> Any:
    return Annotated[bool, typer.Option(f" /--no-{name}", help=text, show_default=False, rich_help_panel=LIFTING)]


_OPTIONS: dict[str, Any] = {
    "smooth": Annotated[Smooth, typer.Option("--smooth", help="Smoothing in time.", rich_help_panel=LIFTING)],
    "native_rate": Annotated[
        bool,
        typer.Option("--native-rate", help="Don't resample to the rate of the weights.", rich_help_panel=LIFTING),
    ],
    "focal_px": Annotated[
        float | None,
        typer.Option(
            "--focal-px",
            min=1.0,
            help="Focal length in pixels. [default: a usual one]",
            show_default=False,
            rich_help_panel=LIFTING,
        ),
    ],
    "fov": Annotated[
        float | None,
        typer.Option(
            "--fov",
            metavar="DEGREES",
            min=NARROWEST_VIEW_DEG,
            max=WIDEST_VIEW_DEG,
            help="The same as the field of view across the upright picture's width.",
            show_default=False,
            rich_help_panel=LIFTING,
        ),
    ],
    "person_height": Annotated[
        list[str],
        typer.Option(
            "--person-height",
            metavar="M|ID=M",
            help="How tall everyone is, in metres, or the person of that number; may be repeated. [default: not known]",
            show_default=False,
            rich_help_panel=LIFTING,
        ),
    ],
    "common_floor": _without("common-floor", "Don't size people so that all stand on one floor."),
    "repair_sides": _without("repair-sides", "Don't undo exchanged left and right arms or legs."),
    "reject_outliers": _without("reject-outliers", "Don't replace keypoints that jump impossibly."),
    "constant_bones": _without("constant-bones", "Don't give a person bones of constant length."),
    "lock_feet": _without("lock-feet", "Don't keep feet in place while they stand."),
}


@dataclass(frozen=True)
class Lifting:
    """What was chosen; the defaults are those of `LiftSettings`."""

    smooth: Smooth = Smooth.BUTTERWORTH
    native_rate: bool = False
    focal_px: float | None = None
    fov: float | None = None
    person_height: list[str] = field(default_factory=list)
    common_floor: bool = True
    repair_sides: bool = True
    reject_outliers: bool = True
    constant_bones: bool = True
    lock_feet: bool = True

    def choices(self) -> dict[str, Any]:
        """As a job's settings have them. Raises UsageError for what contradicts itself."""
        from liftline.jobs.wire import LIFT_STEPS

        if self.focal_px is not None and self.fov is not None:
            raise UsageError("--focal-px and --fov both say how wide the camera sees; give one of them.")
        everyone_m, of_tracks_m = parse_heights(self.person_height)
        return {
            "smooth": self.smooth.value,
            "native_rate": self.native_rate,
            "focal_px": self.focal_px,
            "fov_deg": self.fov,
            "person_height_m": everyone_m,
            "person_heights_m": of_tracks_m,
            **{step: getattr(self, step) for step in LIFT_STEPS},
        }


def with_lifting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options above; it gets them as one argument, `lifting`."""
    return takes_group("lifting", Lifting, _OPTIONS)(command)


def parse_heights(texts: list[str]) -> tuple[float | None, dict[int, float]]:
    """`["1.75", "2=1.62"]` -> everyone's height and that of single people, metres. Raises UsageError."""
    heights = dict[int | None, float]()
    for text in texts:
        track, equals, height = text.rpartition("=")
        try:
            person, height_m = int(track) if equals else None, float(height)
        except ValueError as error:
            raise UsageError(
                f"--person-height {text}: give metres, as 1.75, or a person's number and metres, as 2=1.62."
            ) from error
        if person in heights:
            raise UsageError(f"--person-height {text}: a second height for {track or 'everyone'}; give one.")
        heights[person] = height_m
    return heights.pop(None, None), {track: height_m for track, height_m in heights.items() if track is not None}
