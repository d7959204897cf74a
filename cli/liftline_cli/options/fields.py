"""Fields of settings as options of typer's: type, default, limits and help are the field's."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic.fields import FieldInfo

from liftline.settings.checked import limits


def flag_of(name: str, info: FieldInfo) -> str:
    """What the option is called: `--focal-px`, unless the field says another name."""
    return str(_said(info).get("flag", "--" + name.replace("_", "-")))


def option_of(name: str, info: FieldInfo, *, panel: str, kind: Any = None, owner: str = "", default: str = "") -> Any:
    """An annotated type for a command's parameter. What is true by default is switched off by `--no-...`.

    Args:
        name: of the field.
        info: of the field.
        panel: of the help text.
        kind: the option's type, where it isn't the field's.
        owner: who alone knows the option; it is then None where it isn't given, and its default is in its help.
        default: what to say of that default; nothing if empty.
    """
    flag, help_text = flag_of(name, info), info.description or ""
    least, largest = (None, None) if kind else limits(info)
    kind = kind or info.annotation
    if info.default is True:
        flag, help_text = f" /--no-{flag.removeprefix('--')}", f"Don't {help_text[:1].lower()}{help_text[1:]}"
    if owner:
        kind, help_text = kind | None, f"{owner}: {help_text[:1].lower()}{help_text[1:]}"
        help_text += f" [default: {default}]" if default else ""
    option = typer.Option(
        flag,
        min=least,
        max=largest,
        metavar=_said(info).get("metavar"),
        help=help_text,
        show_default=isinstance(info.default, str) and not owner,
        rich_help_panel=panel,
    )
    return Annotated[kind, option]


def _said(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
