"""Reading settings from environment variables, with errors that name the variable."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from liftline.errors import UsageError

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(kind: type[AnySettings], *, show_values: bool = False) -> AnySettings:
    """Read the environment. Raises UsageError naming the variable that is wrong.

    `show_values`: none of them is a secret or holds one, so the wrong one may be shown.
    """
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind()
    except SettingsError as error:
        raise UsageError(
            f'{prefix}*: {error}; a list is written as JSON, such as ["hooks.example.com"]. Correct or unset it.'
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        variable = (prefix + "_".join(str(part) for part in first["loc"])).upper()
        shown = f"={first['input']!r}" if show_values else ""
        raise UsageError(f"{variable}{shown}: {first['msg'].lower()}; correct or unset it.") from error
