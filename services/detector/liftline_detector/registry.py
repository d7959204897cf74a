"""Detectors by name: whichever folder beside this module has an `entry.py`. Nothing else lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from pydantic.fields import FieldInfo

import liftline_detector
from liftline.errors import UsageError
from liftline.models.catalogue import ModelFile
from liftline.models.devices import AUTO
from liftline.settings.checked import field_infos
from liftline_detector.declaration import DetectorEntry, DetectorOptions

_NOTHING: Mapping[str, object] = MappingProxyType({})


@cache
def detectors() -> Mapping[str, DetectorEntry]:
    """All of them. Their entries are imported, their libraries aren't."""
    places = [Path(place) for place in liftline_detector.__path__]
    folders = sorted(entry.parent.name for place in places for entry in place.glob("*/entry.py"))
    entries: list[DetectorEntry] = [import_module(f"liftline_detector.{folder}.entry").DETECTOR for folder in folders]
    return MappingProxyType({entry.name: entry for entry in entries})


def model_files() -> tuple[ModelFile, ...]:
    """Model files of all detectors, each once."""
    return tuple(dict.fromkeys(model for entry in detectors().values() for model in entry.models))


def names() -> tuple[str, ...]:
    """Names that a user may choose: "auto" and those of all detectors."""
    return (AUTO, *detectors())


def find_detector(name: str, given: Mapping[str, object] = _NOTHING) -> DetectorEntry:
    """The detector called `name`; "auto" is the best one that works on this machine with what options were given.

    Raises UsageError for an unknown name.
    """
    if name == AUTO:
        return max(detectors().values(), key=lambda entry: entry.preference(entry.chosen(given)))
    if name not in detectors():
        raise UsageError(f"Unknown detector '{name}'; choose one of: {', '.join(names())}.")
    return detectors()[name]


def own_options() -> Mapping[str, tuple[FieldInfo, tuple[DetectorEntry, ...]]]:
    """What only some detectors know, by name: the field of the first one that does, and all that do."""
    shared = {field.name for field in fields(DetectorOptions)}
    known: dict[str, tuple[FieldInfo, tuple[DetectorEntry, ...]]] = {}
    for entry in detectors().values():
        for name, info in field_infos(entry.options).items():
            if name not in shared:
                first, owners = known.get(name, (info, ()))
                known[name] = first, (*owners, entry)
    return known
