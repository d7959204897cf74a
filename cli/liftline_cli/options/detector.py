"""Which detector finds people, and what it is told: made of what detectors say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from liftline.errors import UsageError
from liftline.models.devices import AUTO
from liftline.settings.checked import field_infos
from liftline_cli.options.common import FINDING, MACHINE
from liftline_cli.options.fields import flag_of, option_of
from liftline_cli.options.groups import takes_group
from liftline_detector.declaration import DetectorEntry, DetectorOptions
from liftline_detector.registry import detectors, find_detector, names, own_options


def default_of(name: str, owners: Sequence[DetectorEntry]) -> str:
    """What an option is where it isn't given, for the help: one value, or each detector's."""
    values = {entry.title: field_infos(entry.options)[name].default for entry in owners}
    if len(set(map(str, values.values()))) == 1:
        value = next(iter(values.values()))
        return "" if value is None else str(value)
    shown = {title: f"{value:g}" if isinstance(value, float) else str(value) for title, value in values.items()}
    return ", ".join(f"{title} {value}" for title, value in shown.items())


NAMES: Any = Literal[names()]
_OPTIONS: Mapping[str, Any] = {
    "detector": Annotated[
        NAMES,
        typer.Option(
            "--detector",
            help="auto is Detectron2 where it, its weights and a CUDA device are there, else MoveNet.",
            rich_help_panel=FINDING,
        ),
    ],
    **{
        name: option_of(
            name,
            info,
            panel=FINDING,
            owner=", ".join(entry.title for entry in owners),
            default=default_of(name, owners),
        )
        for name, (info, owners) in own_options().items()
    },
    "device": Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cpu|cuda:N|tensorrt:N|coreml",
            help="Where the detector and the lifter run; auto is CUDA if there is any. TensorRT and CoreML are for "
            "detectors in ONNX.",
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
            if len(owners) < len(detectors()) and self.name not in [entry.name for entry in owners]:
                who = " and ".join(entry.title for entry in owners) + (" know it" if len(owners) > 1 else " knows it")
                raise UsageError(
                    f"{flag_of(name, info)}: only {who}, and --detector is {self.name}; use --detector "
                    f"{owners[0].name} or leave it out."
                )
        given = {"device": self.device, **self.given}
        return find_detector(self.name, given).chosen(given)


def with_detector(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options above; it gets them as one argument, `finding`."""
    return takes_group("finding", _chosen, _OPTIONS, _DEFAULTS)(command)


def _chosen(*, detector: str, device: str, **own: Any) -> ChosenDetector:
    return ChosenDetector(detector, device, {name: value for name, value in own.items() if value is not None})
