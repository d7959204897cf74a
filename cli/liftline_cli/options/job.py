"""What a job may be asked for, as options: made of `JobSettings`' fields, with their defaults, limits and help."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from liftline.errors import UsageError
from liftline.models.devices import AUTO
from liftline.settings.checked import InvalidSettingsError, Problem, field_infos
from liftline.settings.job import ExportChoices, JobSettings, LiftChoices, RenderChoices
from liftline_cli.options.common import FINDING, LIFTING, OUTPUT, RENDERING
from liftline_cli.options.detector import NAMES
from liftline_cli.options.fields import flag_of, option_of
from liftline_cli.options.groups import takes_group

LIFT = tuple(field_infos(LiftChoices))
"""Names of what a command that lifts offers."""

RENDER = tuple(field_infos(RenderChoices))
"""The same of a command that renders."""

EXPORT = ("export", *field_infos(ExportChoices))
"""The same of a command that exports."""

_INFOS = field_infos(JobSettings)
_HEIGHTS = ("person_height_m", "person_heights_m")
_PANELS = MappingProxyType(
    dict.fromkeys(("detector", "max_people"), FINDING)
    | dict.fromkeys(LIFT, LIFTING)
    | dict.fromkeys(RENDER, RENDERING)
    | dict.fromkeys(EXPORT, OUTPUT)
)
_WRITTEN: Mapping[str, tuple[Any, Any]] = MappingProxyType(
    {"detector": (NAMES | None, None), "person_height_m": (list[str], []), "export": (str, "")}
)
"""Type and default of options that aren't written as their fields are. `person_heights_m` is part of another one."""


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
        if "person_height_m" in values:
            values |= zip(_HEIGHTS, parse_heights(values["person_height_m"]), strict=True)
        try:
            return JobSettings(**values)
        except InvalidSettingsError as error:
            told = (f"{_flag(one)}: {_with_flags(one.words)}" for one in error.problems)
            raise UsageError(" ".join(told)) from error


def with_job(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options for these fields; it gets them as one argument, `chosen`."""
    options, defaults = dict[str, Any](), dict[str, Any]()
    for name in (name for name in names if name != "person_heights_m"):
        kind, defaults[name] = _WRITTEN.get(name, (None, _INFOS[name].default))
        options[name] = option_of(name, _INFOS[name], panel=_PANELS[name], kind=kind)
    return takes_group("chosen", lambda **given: Chosen(given), options, defaults)


def _flag(problem: Problem) -> str:
    name = str(problem.path[0])
    return flag_of(name, _INFOS[name])


def _with_flags(words: str) -> str:
    """Names of fields as their options, where they are no ordinary words."""
    named = "|".join(name for name in _INFOS if "_" in name)
    return re.sub(rf"\b({named})\b", lambda found: flag_of(found[0], _INFOS[found[0]]), words)


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
