"""Options that several commands share, given to a command as one argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

Command = Callable[..., None]


def takes_group(argument: str, group: type[Any], options: Mapping[str, Any]) -> Callable[[Command], Command]:
    """A decorator: the command's `argument` becomes these options, and gets a `group` made of what was chosen.

    Args:
        argument: the command's parameter.
        group: a dataclass with a default for every option, which is the option's.
        options: name -> annotated type, as typer has it.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            chosen = group(**{name: given.pop(name) for name in options})
            command(**{argument: chosen}, **given)

        run.__signature__ = _with_options(command, argument, group(), options)  # type: ignore[attr-defined]
        return run

    return decorate


def _with_options(command: Command, argument: str, defaults: object, options: Mapping[str, Any]) -> inspect.Signature:
    signature = inspect.signature(command, eval_str=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in signature.parameters.items()
        if name != argument
    ]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(defaults, name), annotation=annotation)
        for name, annotation in options.items()
    ]
    return signature.replace(parameters=[*own, *added])
