"""What both clients remember: whom they call, as whom, and for how long they retry."""

from __future__ import annotations

from liftline.client import calls
from liftline.client.connection import Connection
from liftline.client.transfer import Transfers
from liftline.net.retrying import API_CALL, Backoff


class Caller:
    """The part of a client that doesn't wait for anything."""

    def __init__(self, connection: Connection, *, patience_s: float, reconnect_s: float) -> None:
        """Nothing is connected."""
        self.server = connection.address
        self._metadata, self._ca_file = connection.metadata, connection.ca_file
        self._policy, self._reconnect_s = API_CALL.within(patience_s), reconnect_s

    def _new_watch(self) -> calls.Watch:
        return calls.Watch(self.server, Backoff(self._policy), self._reconnect_s)

    def _transfers(self) -> Transfers:
        return Transfers(self._ca_file, max(self._policy.timeout_s, calls.STREAM_S))
