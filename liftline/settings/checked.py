"""Frozen dataclasses of pydantic's that say in plain words what is wrong with a value, all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, TypeVar, dataclass_transform, get_args

from pydantic import ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from liftline.errors import UsageError

T = TypeVar("T")
_OUT_OF_RANGE = {"greater_than_equal", "less_than_equal", "finite_number"}
_TOLD = "told"
_UNITS = {"px": " px", "deg": " degrees", "m": " metres", "s": " seconds"}
"""By the last part of a field's name."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field: its name, then the key or position inside it where there is one; and in words."""

    path: tuple[str | int, ...]
    words: str

    @property
    def place(self) -> str:
        """The path as text, such as `export[0]`."""
        return str(self.path[0]) + "".join(f"[{part}]" for part in self.path[1:])


class InvalidSettingsError(UsageError):
    """Settings that can't be: every field that is wrong, in words."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(f"{one.place}: {one.words}" for one in problems))
        self.problems = tuple(problems)


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def checked(kind: type[T]) -> type[T]:
    """A decorator: a frozen pydantic dataclass whose constructor raises InvalidSettingsError."""
    made: Any = pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))(kind)
    construct: Callable[..., None] = made.__init__

    @wraps(construct)
    def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807
        try:
            construct(self, *args, **values)
        except ValidationError as error:
            raise InvalidSettingsError([_problem(one, made) for one in error.errors()]) from error

    made.__init__ = __init__
    return made  # type: ignore[no-any-return]


def each_once(values: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """For `WrapValidator`: a value that occurs twice is told together with what else is wrong with the values."""
    twice = InitErrorDetails(
        type=PydanticCustomError(_TOLD, "{error}", {"error": "each of them once."}), loc=(), input=values
    )
    repeated = [twice] if isinstance(values, Sequence) and len(set(map(repr, values))) < len(values) else []
    try:
        checked_values = check(values)
    except ValidationError as error:
        wrong = [
            InitErrorDetails(type=one["type"], loc=one["loc"], input=one["input"], ctx=one.get("ctx", {}))
            for one in error.errors()
        ]
        raise ValidationError.from_exception_data("values", [*repeated, *wrong]) from error
    if repeated:
        raise ValidationError.from_exception_data("values", repeated)
    return checked_values


def field_infos(kind: type[Any]) -> dict[str, FieldInfo]:
    """Name -> type, default, description and limits of every field of a checked class."""
    infos: dict[str, FieldInfo] = kind.__pydantic_fields__
    return {name: infos[name] for name in (field.name for field in fields(kind))}


def limits(info: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the largest number allowed, of the field or of what it holds."""
    parts = (mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ()))
    marks = [*info.metadata, *(mark for part in parts if isinstance(part, FieldInfo) for mark in part.metadata)]
    least, largest = ([getattr(mark, end) for mark in marks if hasattr(mark, end)] for end in ("ge", "le"))
    return least[0] if least else None, largest[0] if largest else None


def _problem(error: ErrorDetails, kind: type[Any]) -> Problem:
    first, *rest = error["loc"] or ("settings",)
    name = list(field_infos(kind))[first] if isinstance(first, int) else first
    info = field_infos(kind).get(name)
    return Problem((name, *rest), error["msg"] + "." if info is None else _words(error, name, info))


def _words(error: ErrorDetails, name: str, info: FieldInfo) -> str:
    given = error["input"]
    if error["type"] in ("value_error", _TOLD):
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return f"there is no {given!r} in this version; choose {error['ctx']['expected']}."
    if error["type"] == "too_long":
        return f"at most {error['ctx']['max_length']} of them."
    if error["type"] in _OUT_OF_RANGE:
        (least, largest), unit = limits(info), _UNITS.get(name.rpartition("_")[2], "")
        allowed = f"{least:g}{unit} or more" if largest is None else f"{least:g} to {largest:g}{unit}"
        return f"{allowed}, not {given}."
    return f"{error['msg'].replace('Input should be', 'must be')}, not {given!r}."
