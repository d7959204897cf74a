"""`JobSettings` as the message of the same name, field by field, by the message's own description.

What isn't set there (zero, where the field has no presence) is the default. Names of choices are those of the enum's
values: "one-euro" is SMOOTHING_ONE_EURO.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from pydantic.fields import FieldInfo

from liftline.settings.checked import Problem
from liftline.v1 import job_service_pb2 as api

_SPELLED = {"3d": "three-d"}
_SPOKEN = {spelled: name for name, spelled in _SPELLED.items()}
"""Names that can't be part of an identifier."""


def wire_name(name: str, info: FieldInfo) -> str:
    """What the message calls a field."""
    return info.serialization_alias or name


def values_of(message: api.JobSettings, infos: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """What the message says, as the constructor takes it; without what it doesn't say."""
    described = {name: _described(name, info) for name, info in infos.items()}
    return {name: _read(message, wire) for name, wire in described.items() if _says(message, wire)}


def message_of(settings: object, infos: Mapping[str, FieldInfo]) -> api.JobSettings:
    """The other way."""
    message = api.JobSettings()
    for name, info in infos.items():
        value, wire = getattr(settings, name), _described(name, info)
        if value is None or (wire.has_presence and value == info.default):
            continue
        if not wire.is_repeated:
            setattr(message, wire.name, _number(value, wire))
        elif wire.message_type:
            parts = [part.name for part in wire.message_type.fields]
            for pair in value.items():
                getattr(message, wire.name).add(**dict(zip(parts, pair, strict=True)))
        else:
            getattr(message, wire.name).extend(_number(one, wire) for one in value)
    return message


def problem_of(problem: Problem, message: api.JobSettings, infos: Mapping[str, FieldInfo]) -> Problem:
    """The same with the path that the field has in the message, such as `person_heights[0].height_m`."""
    name, *rest = problem.path
    if not isinstance(name, str) or name not in infos:
        return problem
    wire = _described(name, infos[name])
    if not rest or not wire.is_repeated:
        return Problem((wire.name,), problem.words)
    if not wire.message_type:
        return Problem((f"{wire.name}[{rest[0]}]",), problem.words)
    key, value = wire.message_type.fields
    keys = [str(getattr(one, key.name)) for one in getattr(message, wire.name)]
    return Problem((f"{wire.name}[{keys.index(str(rest[0]))}].{value.name}",), problem.words)


def _described(name: str, info: FieldInfo) -> FieldDescriptor:
    return api.JobSettings.DESCRIPTOR.fields_by_name[wire_name(name, info)]


def _says(message: api.JobSettings, wire: FieldDescriptor) -> bool:
    return message.HasField(wire.name) if wire.has_presence else bool(getattr(message, wire.name))  # type: ignore[arg-type]


def _read(message: api.JobSettings, wire: FieldDescriptor) -> Any:
    value = getattr(message, wire.name)
    if not wire.is_repeated:
        return _name(value, wire)
    if wire.message_type:
        parts = [part.name for part in wire.message_type.fields]
        return [tuple(getattr(one, part) for part in parts) for one in value]
    return tuple(_name(one, wire) for one in value)


def _name(value: Any, wire: FieldDescriptor) -> Any:
    """A choice by name; a number that this version has no name for stays one, and is refused as such."""
    if not wire.enum_type or not value or value not in wire.enum_type.values_by_number:
        return value
    found = wire.enum_type.values_by_number[value]
    name = found.name.removeprefix(_prefix(wire.enum_type)).lower().replace("_", "-")
    return _SPOKEN.get(name, name)


def _number(value: Any, wire: FieldDescriptor) -> Any:
    if not wire.enum_type:
        return value
    name = _SPELLED.get(value, value).upper().replace("-", "_")
    return wire.enum_type.values_by_name[_prefix(wire.enum_type) + name].number


def _prefix(enum: EnumDescriptor) -> str:
    """`ExportFormat` -> `EXPORT_FORMAT_`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
