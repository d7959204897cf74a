"""A way to the S3 server on which connections break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Passes bytes on. Cuts a connection after so many bytes of answers; cuts all after so many bytes of requests."""

    def __init__(self, port: int, *, answer_bytes: int = 1 << 40, request_bytes: int = 1 << 40) -> None:
        self._target = ("127.0.0.1", port)
        self._answer_bytes, self._requests_left = answer_bytes, request_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            for pump in (self._requests, self._answers):
                threading.Thread(target=self._run, args=(pump, client, server), daemon=True).start()

    def _run(
        self, pump: Callable[[socket.socket, socket.socket], None], client: socket.socket, server: socket.socket
    ) -> None:
        with suppress(OSError):
            pump(client, server)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        while self._requests_left > 0 and (data := client.recv(1 << 16)):
            server.sendall(data[: max(0, self._requests_left)])
            self._requests_left -= len(data)
        self.cut += self._requests_left <= 0

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        left = self._answer_bytes
        while left > 0 and (data := server.recv(1 << 16)):
            client.sendall(data[:left])
            left -= len(data)
        self.cut += left <= 0
