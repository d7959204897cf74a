"""`liftline token`: who may use a gateway."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from liftline.errors import UsageError
from liftline_cli.console.session import session

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def token(
    tenant: Annotated[
        str, typer.Argument(help="Whose jobs it opens: letters, digits, '-' and '_'.", show_default=False)
    ],
    key_file: Annotated[
        Path,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="Private key (PEM), or the shared secret that the gateway has as LIFTLINE_GRPC_JWT_KEY_FILE.",
            show_default=False,
        ),
    ],
    lifetime: Annotated[str, typer.Option("--lifetime", metavar="30m|12h|30d", help="How long it works.")] = "12h",
    operator: Annotated[bool, typer.Option("--operator", help="It opens the status of workers, too.")] = False,
    audience: Annotated[
        str, typer.Option("--audience", help="As LIFTLINE_GRPC_JWT_AUDIENCE of the gateway.")
    ] = "liftline",
) -> None:
    """Make a token that clients send: LIFTLINE_TOKEN, or a file named by LIFTLINE_TOKEN_FILE."""
    with session(as_json=False, verbose=False):
        from liftline.service.tokens import OPERATOR, mint_token

        made = mint_token(
            key_file, tenant=tenant, audience=audience, lifetime=_duration(lifetime),
            scopes=[OPERATOR] if operator else [],
        )  # fmt: skip
        sys.stdout.write(f"{made}\n")


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if found is None:
        raise UsageError(f"--lifetime {text}: a number with m, h or d is needed, such as 12h.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
