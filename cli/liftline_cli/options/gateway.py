"""The options of commands that talk to a gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liftline_cli.options.groups import takes_group

if TYPE_CHECKING:
    from liftline.client import Client

_PANEL = "Connection"


class PriorityName(StrEnum):
    """Which waiting job is worked on first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


JobName = Annotated[str, typer.Argument(metavar="JOB", help="Its id, as `liftline list` shows it.", show_default=False)]

Videos = Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="Video files.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the jobs to their end.")]
FetchInto = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        "-o",
        help="Wait, and fetch the results into this folder; of several videos, into a subfolder each.",
        show_default=False,
    ),
]
PriorityOption = Annotated[PriorityName, typer.Option("--priority", help="How soon.")]
Webhook = Annotated[
    str, typer.Option("--webhook", metavar="URL", help="Is told when the job has ended.", show_default=False)
]
RequestId = Annotated[
    str | None,
    typer.Option(
        "--request-id", metavar="NAME", help="No second job is ever made under this name.", show_default=False
    ),
]


def _option(kind: type, flag: str, help_text: str, *, metavar: str = "FILE") -> Any:
    return Annotated[kind | None, typer.Option(flag, metavar=metavar, help=help_text, rich_help_panel=_PANEL)]


_OPTIONS: dict[str, Any] = {
    "server": _option(
        str, "--server", "The gateway. [default: LIFTLINE_SERVER, else that of `liftline up`]", metavar="HOST:PORT"
    ),
    "token_file": _option(Path, "--token-file", "Bearer token. [default: LIFTLINE_TOKEN or LIFTLINE_TOKEN_FILE]"),
    "ca_file": _option(
        Path, "--ca-file", "Certificate authority of the gateway. [default: LIFTLINE_CA_FILE, else the system's]"
    ),
    "cert_file": _option(Path, "--cert-file", "Client certificate. [default: LIFTLINE_CERT_FILE]"),
    "key_file": _option(Path, "--key-file", "Its key. [default: LIFTLINE_KEY_FILE]"),
}


@dataclass(frozen=True)
class Gateway:
    """Where the options say the gateway is; None for what the environment says."""

    server: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def connect(self) -> Client:
        """A client, which the caller closes. Raises UsageError for settings that make no sense."""
        from liftline.client import Client, Connection

        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.token_file is not None:
            given["token"] = None
        return Client(Connection(**given))


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options above; it gets them as one argument, `gateway`."""
    return takes_group("gateway", Gateway, _OPTIONS, vars(Gateway()))(command)
