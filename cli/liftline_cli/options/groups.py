"""Options that several commands share, given to a command as one argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

Command = Callable[..., None]


def takes_group(
    argument: str, group: Callable[..., object], options: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Callable[[Command], Command]:
    """A decorator: the command's `argument` becomes these options, and gets a `group` made of what was chosen.

    Args:
        argument: the command's parameter.
        group: what makes one argument of the options, given by name.
        options: name -> annotated type, as typer has it.
        defaults: name -> what an option is that isn't given.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            chosen = group(**{name: given.pop(name) for name in options})
            command(**{argument: chosen}, **given)

        run.__signature__ = _with_options(command, argument, options, defaults)  # type: ignore[attr-defined]
        return run

    return decorate


def _with_options(
    command: Command, argument: str, options: Mapping[str, Any], defaults: Mapping[str, Any]
) -> inspect.Signature:
    signature = inspect.signature(command, eval_str=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in signature.parameters.items()
        if name != argument
    ]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=annotation)
        for name, annotation in options.items()
    ]
    return signature.replace(parameters=[*own, *added])
