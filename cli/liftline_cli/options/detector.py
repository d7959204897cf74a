"""Which detector finds people, and what it is told: made of what detectors say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from liftline.errors import UsageError
from liftline.models.devices import AUTO
from liftline_cli.options.common import FINDING, MACHINE
from liftline_cli.options.fields import flag_of, option_of
from liftline_cli.options.groups import takes_group
from liftline_detector.declaration import DetectorOptions
from liftline_detector.registry import find_detector, names, own_options

NAMES: Any = Literal[names()]
_OPTIONS: Mapping[str, Any] = {
    "detector": Annotated[
        NAMES,
        typer.Option(
            "--detector",
            help="auto is Detectron2 where it, its weights and a CUDA device are there, else BlazePose.",
            rich_help_panel=FINDING,
        ),
    ],
    **{
        name: option_of(name, info, panel=FINDING, owner=", ".join(entry.title for entry in owners))
        for name, (info, owners) in own_options().items()
    },
    "device": Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cpu|cuda:N",
            help="Where Detectron2 and the lifter run; auto is CUDA if there is any.",
            rich_help_panel=MACHINE,
        ),
    ],
}
_DEFAULTS: Mapping[str, Any] = {**dict.fromkeys(_OPTIONS), "detector": AUTO, "device": AUTO}


@dataclass(frozen=True)
class ChosenDetector:
    """What options say of the detector; nothing is checked yet."""

    name: str
    device: str
    given: Mapping[str, Any]

    def options(self) -> DetectorOptions:
        """Checked options of the chosen detector. Raises UsageError if one is wrong, or another detector's."""
        for name in self.given:
            info, owners = own_options()[name]
            if self.name not in [entry.name for entry in owners]:
                raise UsageError(
                    f"{flag_of(name, info)}: only {' and '.join(entry.title for entry in owners)} knows it, and "
                    f"--detector is {self.name}; use --detector {owners[0].name} or leave it out."
                )
        given = {"device": self.device, **self.given}
        return find_detector(self.name, given).chosen(given)


def with_detector(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options above; it gets them as one argument, `finding`."""
    return takes_group("finding", _chosen, _OPTIONS, _DEFAULTS)(command)


def _chosen(*, detector: str, device: str, **own: Any) -> ChosenDetector:
    return ChosenDetector(detector, device, {name: value for name, value in own.items() if value is not None})
