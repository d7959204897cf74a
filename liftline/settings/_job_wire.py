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

_FIELDS = api.JobSettings.DESCRIPTOR.fields_by_name
_SPOKEN = {"three-d": "3d"}
"""Names that can't be part of an identifier."""


def wire_name(name: str, info: FieldInfo) -> str:
    """What the message calls a field."""
    return info.serialization_alias or name


def values_of(message: api.JobSettings, infos: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Arguments for the constructor of `JobSettings`: those fields that the message says."""
    names = {wire_name(name, info): name for name, info in infos.items()}
    return {names[field.name]: _read(value, field) for field, value in message.ListFields()}


def message_of(settings: object, infos: Mapping[str, FieldInfo]) -> api.JobSettings:
    """The message that says these settings. Fields that would say their default are left out where they can be."""
    values: dict[str, Any] = {}
    for name, info in infos.items():
        value, field = getattr(settings, name), _FIELDS[wire_name(name, info)]
        if value is not None and not (field.has_presence and value == info.default):
            values[field.name] = _written(value, field)
    return api.JobSettings(**values)


def choices(enum: EnumDescriptor) -> dict[int, str]:
    """Names of an enum's values by number, without zero: SMOOTHING_ONE_EURO is "one-euro"."""
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
    names = {one.number: one.name.removeprefix(prefix).lower().replace("_", "-") for one in enum.values if one.number}
    return {number: _SPOKEN.get(name, name) for number, name in names.items()}


def problem_of(problem: Problem, message: api.JobSettings, infos: Mapping[str, FieldInfo]) -> Problem:
    """The same problem under the path that the field has in the message, such as `person_heights[0].height_m`."""
    name, *rest = problem.path
    if not isinstance(name, str) or name not in infos:
        return problem
    field = _FIELDS[wire_name(name, infos[name])]
    if not rest or not field.is_repeated:
        return Problem((field.name,), problem.words)
    if not field.message_type:
        return Problem((f"{field.name}[{rest[0]}]",), problem.words)
    key, value = field.message_type.fields
    keys = [str(getattr(one, key.name)) for one in getattr(message, field.name)]
    return Problem((f"{field.name}[{keys.index(str(rest[0]))}].{value.name}",), problem.words)


def _read(value: Any, field: FieldDescriptor) -> Any:
    """A number that this version has no name for stays one, and is refused as such."""
    if field.message_type:
        parts = [part.name for part in field.message_type.fields]
        return [tuple(getattr(one, part) for part in parts) for one in value]
    names = choices(field.enum_type) if field.enum_type else {}
    return tuple(names.get(one, one) for one in value) if field.is_repeated else names.get(value, value)


def _written(value: Any, field: FieldDescriptor) -> Any:
    if field.message_type:
        parts = [part.name for part in field.message_type.fields]
        return [dict(zip(parts, pair, strict=True)) for pair in value.items()]
    if not field.enum_type:
        return value
    numbers = {name: number for number, name in choices(field.enum_type).items()}
    return [numbers[one] for one in value] if field.is_repeated else numbers[value]
