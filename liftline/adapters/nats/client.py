"""nats-py's client with the habits changed that end a connection for good or weaken it."""

from __future__ import annotations

from typing import Any

from nats import errors
from nats.aio.client import Client

_PERMISSIONS = "permissions violation"


class NoTlsError(errors.Error):
    """The server offers no TLS where it must."""


class PersistentClient(Client):
    """Connects again whatever the server says, and never falls back to plaintext.

    Where nats-py 2.16 does otherwise:

    - an error that the server sends closes the client for good, say one about expired credentials;
    - a late answer to a ping that nobody waits for any more ends the task that reads from the server;
    - `tls://` means plaintext when the server, or whoever is between, says that it has no TLS;
    - a server on this machine may send its clients to other machines, there in plaintext too.
    """

    async def _process_err(self, err_msg: str) -> None:
        if _PERMISSIONS in err_msg.lower():
            await super()._process_err(err_msg)
        else:
            await self._process_op_err(errors.Error(f"nats: {err_msg}"))

    async def _process_pong(self) -> None:
        if self._pongs and self._pongs[0].done():
            self._pongs.pop(0)
            self._pings_outstanding = 0
        else:
            await super()._process_pong()

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if "tls" not in self.options:
            info.pop("connect_urls", None)
        elif initial_connection and not info.get("tls_required"):
            raise NoTlsError("nats: the server offers no TLS")
        await super()._process_info(info, initial_connection)
