"""What a job may be asked for, as options: made of `JobSettings`' fields, with their defaults, limits and help."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, get_args

import typer

from liftline.errors import UsageError
from liftline.models.devices import AUTO
from liftline.settings.checked import InvalidSettingsError, field_infos
from liftline.settings.job import ExportFormat, JobSettings, LiftChoices
from liftline_cli.options.common import FINDING, LIFTING, OUTPUT, RENDERING
from liftline_cli.options.detector import NAMES
from liftline_cli.options.fields import flag_of, option_of
from liftline_cli.options.groups import takes_group

LIFT = tuple(field_infos(LiftChoices))
"""Names of what a command that lifts offers."""

_INFOS = field_infos(JobSettings)
_HEIGHTS = ("person_height_m", "person_heights_m")
_PANELS = MappingProxyType({"max_people": FINDING, "layout": RENDERING, **dict.fromkeys(LIFT, LIFTING)})
_SPECIAL: Mapping[str, Any] = MappingProxyType(
    {
        "detector": Annotated[
            NAMES | None,
            typer.Option("--detector", help=_INFOS["detector"].description, rich_help_panel=FINDING),
        ],
        "person_height": Annotated[
            list[str],
            typer.Option(
                "--person-height",
                metavar="M|ID=M",
                help="How tall everyone is, in metres, or the person of that number; may be repeated. "
                "[default: not known]",
                show_default=False,
                rich_help_panel=LIFTING,
            ),
        ],
        "export": Annotated[
            str,
            typer.Option(
                "--export",
                metavar="LIST",
                help=f"Also write {', '.join(get_args(ExportFormat))}.",
                show_default=False,
                rich_help_panel=OUTPUT,
            ),
        ],
    }
)
"""Options that aren't written as their fields are: two fields in one, or a list."""
_SPECIAL_DEFAULTS: Mapping[str, Any] = MappingProxyType({"detector": None, "person_height": [], "export": ""})


@dataclass(frozen=True)
class Chosen:
    """What options say, by name; nothing is checked yet."""

    options: Mapping[str, Any]

    def job(self) -> JobSettings:
        """The job's settings. Raises UsageError, which names options."""
        values = dict(self.options)
        if values.get("detector") == AUTO:
            values["detector"] = None
        if "export" in values:
            values["export"] = parse_list(values["export"])
        if "person_height" in values:
            values |= zip(_HEIGHTS, parse_heights(values.pop("person_height")), strict=True)
        try:
            return JobSettings(**values)
        except InvalidSettingsError as error:
            told = (f"{_flag(str(one.path[0]))}: {_with_flags(one.words)}" for one in error.problems)
            raise UsageError(" ".join(told)) from error


def with_job(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options for these fields; it gets them as one argument, `chosen`."""
    offered = dict.fromkeys("person_height" if name in _HEIGHTS else name for name in names)
    options = {
        name: _SPECIAL[name] if name in _SPECIAL else option_of(name, _INFOS[name], panel=_PANELS[name])
        for name in offered
    }
    defaults = {
        name: _SPECIAL_DEFAULTS[name] if name in _SPECIAL else _INFOS[name].get_default(call_default_factory=True)
        for name in offered
    }
    return takes_group("chosen", lambda **given: Chosen(given), options, defaults)


def _flag(name: str) -> str:
    return "--person-height" if name in _HEIGHTS else flag_of(name, _INFOS[name])


def _with_flags(words: str) -> str:
    """Names of fields as their options."""
    return re.sub(r"\w+", lambda word: _flag(word[0]) if word[0] in _INFOS and "_" in word[0] else word[0], words)


def parse_list(text: str) -> tuple[str, ...]:
    """`"json, TRC"` -> `("json", "trc")`, each once."""
    return tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))


def parse_heights(texts: Sequence[str]) -> tuple[float | None, list[tuple[int, float]]]:
    """`["1.75", "2=1.62"]` -> everyone's height and that of single people, metres. Raises UsageError."""
    everyone, of_people = list[float](), list[tuple[int, float]]()
    for text in texts:
        person, equals, height = text.rpartition("=")
        try:
            of_people += [(int(person), float(height))] if equals else []
            everyone += [] if equals else [float(height)]
        except ValueError as error:
            raise UsageError(
                f"--person-height {text}: give metres, as 1.75, or a person's number and metres, as 2=1.62."
            ) from error
    if len(everyone) > 1:
        raise UsageError(f"--person-height {everyone[1]:g}: a second height for everyone; give one.")
    return everyone[0] if everyone else None, of_people
