"""One connection to NATS for a whole process: requests with answers, and what happens when the server is away."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar, cast

import structlog
from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from liftline.adapters.nats import addresses
from liftline.adapters.nats.client import PersistentClient
from liftline.errors import LimitExceededError, UnavailableError
from liftline.net.retrying import NATS_REQUEST, retry_async
from liftline.settings.services import NatsSettings

_CONNECT_S, _CONNECT_WAIT_S, _ANSWER_S, _CLOSE_S = 2.0, 0.25, 2.0, 1.0
_PING_S, _PINGS_UNANSWERED = 5, 2
_log = structlog.get_logger(__name__)
Result = TypeVar("Result")


class ApiError(Exception):
    """JetStream refused a request. `code` is as in HTTP, `number` JetStream's own error code."""

    def __init__(self, *, code: int, number: int, description: str) -> None:
        super().__init__(description)
        self.code, self.number = code, number


class Connection:
    """The connection that bus and records of a process share. Use it within one event loop."""

    def __init__(self, settings: NatsSettings) -> None:
        self.settings = settings
        self.client = PersistentClient()
        self.address = addresses.without_secrets(settings)
        self._waiting: dict[str, asyncio.Future[Msg] | _Answers] = {}
        self._numbers = itertools.count()
        self._inbox = ""
        self._refusal = ""
        self._begun = self._closing = False
        self._there = asyncio.Event()
        self._when_lost: list[Callable[[], None]] = []

    @property
    def is_there(self) -> bool:
        """Whether a server is connected now."""
        return self.client.is_connected

    @property
    def identity(self) -> str:
        """A string that no other connection has: its inbox."""
        return self._inbox

    async def open(self, *, name: str) -> None:
        """Connect; once. Raises UsageError where the settings are wrong, UnavailableError where no one answers."""
        try:
            await self.client.connect(
                addresses.servers(self.settings),
                name=name,
                inbox_prefix=self.settings.inbox_prefix,
                tls=addresses.tls(self.settings),
                **addresses.credentials(self.settings),
                error_cb=self._on_error,
                disconnected_cb=self._on_lost,
                reconnected_cb=self._on_back,
                max_reconnect_attempts=-1,
                reconnect_time_wait=_CONNECT_WAIT_S,  # type: ignore[arg-type]  # seconds, fractions too
                connect_timeout=_CONNECT_S,  # type: ignore[arg-type]  # likewise
                ping_interval=_PING_S,
                max_outstanding_pings=_PINGS_UNANSWERED,
            )
        except (OSError, errors.Error, TimeoutError, ValueError) as error:
            await self.close()
            raise addresses.refusal(error, self.settings) or self.unavailable(str(error) or "no answer") from error
        self._begun = True
        self._there.set()
        self._inbox = self.client.new_inbox()
        await self.subscribe(f"{self._inbox}.*", self._on_answer)

    async def close(self) -> None:
        """Close the connection; messages published before are sent first, where the server is there."""
        self._closing = True
        with suppress(OSError, TimeoutError):  # asyncio waits for good for a socket on which TLS failed
            await asyncio.wait_for(self.client.close(), _CLOSE_S)

    async def subscribe(self, subject: str, hear: Callable[[Msg], None]) -> Subscription:
        """Subscribe for good: `hear` is called with each message as it is read. Raises UnavailableError."""
        try:
            return await self.client.subscribe(subject, future=cast("asyncio.Future[Msg]", _Ear(hear)))
        except errors.Error as error:
            raise self.unavailable(str(error)) from error

    @asynccontextmanager
    async def hearing(self, subject: str, hear: Callable[[Msg], None]) -> AsyncIterator[None]:
        """Subscribe while the context lasts; the server knows of it on entry. Raises UnavailableError."""
        if not self.is_there:
            raise self.unavailable("it isn't connected")
        subscription = await self.subscribe(subject, hear)
        try:
            await self._confirm()
            yield
        finally:
            with suppress(errors.Error):
                await subscription.unsubscribe()

    def when_lost(self, call: Callable[[], None]) -> None:
        """Register a callback for every loss of the connection."""
        self._when_lost.append(call)

    async def say(self, subject: str, data: bytes, *, reply: str = "") -> None:
        """Publish without an answer. Raises UnavailableError where the server isn't connected now."""
        if not self.is_there:
            raise self.unavailable("it isn't connected")
        try:
            await self.client.publish(subject, data, reply)
        except errors.Error as error:
            raise self._failure(subject, data, error) from error

    async def once(
        self, subject: str, data: bytes = b"", *, headers: Mapping[str, str] | None = None, wait_s: float = _ANSWER_S
    ) -> Msg:
        """One request and its reply. Raises UnavailableError without one; the request may have arrived then."""
        token = str(next(self._numbers))
        message = await self._answer(token, subject, data, f"{self._inbox}.{token}", headers, wait_s)
        if message.headers and message.headers.get("Status") == "503":
            raise self.unavailable(f"nothing takes {subject} there")
        return message

    async def several(self, subject: str, data: bytes) -> list[Msg]:
        """Ask once for several answers, of which a status is the last. Raises UnavailableError where one is missing."""
        token, answers = str(next(self._numbers)), _Answers()
        await self._answer(token, subject, data, f"{self._inbox}.{token}", None, _ANSWER_S, answers=answers)
        return answers.messages

    async def retry(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Retry an idempotent call within the timeout of `NATS_REQUEST`. Raises UnavailableError."""
        end_s = asyncio.get_running_loop().time() + NATS_REQUEST.timeout_s

        async def attempt() -> Result:
            if not self.is_there:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(end_s):
                        await self._there.wait()
            return await call()

        return await retry_async(NATS_REQUEST, attempt)

    async def api(self, subject: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """One request to JetStream's API, its JSON answer. Raises UnavailableError, ApiError."""
        message = await self.once(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"")
        return self.read(message)

    def read(self, message: Msg) -> dict[str, Any]:
        """JetStream's JSON answer in a message. Raises ApiError; UnavailableError for codes 500 and 503."""
        answer: dict[str, Any] = json.loads(message.data)
        error = answer.get("error")
        if error is None:
            return answer
        description = str(error.get("description", "no reason given"))
        if error.get("code") in (500, 503):
            raise self.unavailable(description)
        raise ApiError(code=error.get("code", 0), number=error.get("err_code", 0), description=description)

    def unavailable(self, why: str) -> UnavailableError:
        """The error that tells why NATS can't be used just now."""
        whom = f" the user {self.settings.user}" if self.settings.user else ""
        refusal = f"; it refused{whom}: {self._refusal}" if self._refusal else ""
        return UnavailableError(f"NATS at {self.address} can't be used: {why}{refusal}.")

    async def _confirm(self) -> None:
        """The server has read all that was sent before when this comes back. (nats-py's `flush` overtakes it.)"""
        token = str(next(self._numbers))
        await self._answer(token, f"{self._inbox}.{token}", b"", "", None, _ANSWER_S)

    async def _answer(
        self, token: str, subject: str, data: bytes, reply: str, headers: Mapping[str, str] | None, wait_s: float,
        *, answers: _Answers | None = None,
    ) -> Msg:  # fmt: skip
        if not self.is_there:
            raise self.unavailable("it isn't connected")
        if len(data) + _headers_length(headers) > self.client.max_payload:
            raise self._too_large(subject, data)  # the server would end the connection
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Msg] = answers.last if answers else loop.create_future()
        self._waiting[token] = answers or answer
        timer = loop.call_later(wait_s, self._give_up, token, subject)
        try:
            await self.client.publish(subject, data, reply, cast("dict[str, str] | None", headers))
            return await answer
        except errors.Error as error:
            raise self._failure(subject, data, error) from error
        finally:
            timer.cancel()
            self._waiting.pop(token, None)

    def _give_up(self, token: str, subject: str) -> None:
        waiting = self._waiting.get(token)
        if waiting is not None and not waiting.done():
            waiting.set_exception(self.unavailable(f"no answer about {subject}"))

    def _on_answer(self, message: Msg) -> None:
        waiting = self._waiting.get(message.subject[len(self._inbox) + 1 :])
        self._refusal = ""
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def _on_back(self) -> None:
        self._there.set()
        _log.info("nats_back", address=self.address)

    async def _on_lost(self) -> None:
        self._there.clear()
        if not self._closing:
            _log.warning("nats_lost", address=self.address)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self.unavailable("the connection was lost"))
        for call in self._when_lost:
            call()

    async def _on_error(self, error: Exception) -> None:
        if not self._begun:
            raise error
        if "permissions violation" in str(error).lower():
            self._refusal = str(error).removeprefix("nats: ")
            _log.error("nats_refuses", address=self.address, user=self.settings.user, error=self._refusal)
        elif self.is_there:
            _log.warning("nats_error", address=self.address, error=str(error) or type(error).__name__)

    def _failure(self, subject: str, data: bytes, error: errors.Error) -> Exception:
        if isinstance(error, errors.MaxPayloadError):
            return self._too_large(subject, data)
        return self.unavailable(str(error))

    def _too_large(self, subject: str, data: bytes) -> LimitExceededError:
        return LimitExceededError(
            f"{subject}: {len(data)} bytes and headers are more than NATS takes at once ({self.client.max_payload}); "
            "raise max_payload in its configuration."
        )


def _headers_length(headers: Mapping[str, str] | None) -> int:
    """Bytes of headers on their way: https://docs.nats.io/reference/reference-protocols/nats-protocol#hpub."""
    if not headers:
        return 0
    return len("NATS/1.0\r\n\r\n") + sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items())


class _Answers:
    """Stands where else the future of one answer does."""

    def __init__(self) -> None:
        self.messages: list[Msg] = []
        self.last: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self.done, self.set_exception = self.last.done, self.last.set_exception

    def set_result(self, message: Msg) -> None:
        self.messages.append(message)
        if message.headers and "Status" in message.headers:
            self.last.set_result(message)


class _Ear:
    """Stands where nats-py expects the future of one answer: each message is heard at once, without a task between."""

    def __init__(self, hear: Callable[[Msg], None]) -> None:
        self.set_result = hear

    def cancelled(self) -> bool:
        return False


async def opened(settings: NatsSettings, *, name: str) -> Connection:
    """A connection that lasts, through any outage of the server, until it is closed.

    Raises UsageError where the settings are wrong or refused, UnavailableError where no server answers now.
    """
    connection = Connection(settings)
    try:
        await connection.open(name=name)
    except asyncio.CancelledError:
        await connection.close()
        raise
    return connection


@asynccontextmanager
async def connected(settings: NatsSettings, *, name: str) -> AsyncIterator[Connection]:
    """The same for as long as the context lasts."""
    connection = await opened(settings, name=name)
    try:
        yield connection
    finally:
        await connection.close()
