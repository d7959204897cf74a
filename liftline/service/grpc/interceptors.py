"""What happens around every request, whatever its kind: counted, traced, its errors told in the canonical way."""

from __future__ import annotations

import asyncio
import inspect
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status
from opentelemetry.trace import SpanKind

from liftline.service.api_errors import ApiError, ErrorKind
from liftline.service.grpc.status_codes import status_of
from liftline.telemetry import traces
from liftline.telemetry.metrics import RequestMetrics

# Types are generic for type checkers alone.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_OPEN_SERVICES = ("/grpc.health.v1.Health/",)
MESSAGE_WITHIN_S = 10.0
"""A request's message comes within so long after its headers."""
_UNTRACED_SERVICES = (*_OPEN_SERVICES, "/grpc.reflection.")


def is_open(method: str) -> bool:
    """Whether anyone may call it: probes have no token."""
    return method.startswith(_OPEN_SERVICES)


class Around(grpc.aio.ServerInterceptor):
    """An interceptor that does something around each request, unary or streaming."""

    @abstractmethod
    def around(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:
        """Entered before the request is handled, left after its last answer."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wrap the handler; None, for a method that isn't there, stays so."""
        handler = await continuation(handler_call_details)
        return handler and self._wrapped(_reading_late(handler), handler_call_details.method)

    def _wrapped(self, handler: Handler, method: str) -> Handler:
        if handler.response_streaming:
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            behaviour = self._streaming(handler.stream_stream or handler.unary_stream, method)
        else:
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
            behaviour = self._unary(handler.stream_unary or handler.unary_unary, method)
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _unary(self, behaviour: Any, method: str) -> Any:
        async def handle(request: object, context: Context) -> object:
            async with self.around(method, context):
                return await behaviour(request, context)

        return handle

    def _streaming(self, behaviour: Any, method: str) -> Any:
        async def handle(request: object, context: Context) -> None:
            async with self.around(method, context):
                answers = behaviour(request, context)
                if inspect.isawaitable(answers):
                    await answers
                    return
                async with aclosing(answers):
                    async for answer in answers:
                        await context.write(answer)

        return handle


class Counting(Around):
    """Counts requests by method and code."""

    def __init__(self, metrics: RequestMetrics) -> None:
        """Count there."""
        self._metrics = metrics

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Count it when it has been answered."""
        begin_s = time.monotonic()
        code = grpc.StatusCode.CANCELLED
        try:
            yield
            code = grpc.StatusCode.OK
        except grpc.aio.AbortError:
            code = code_of(context)
            raise
        finally:
            self._metrics.requests.labels(method, code.name).inc()
            self._metrics.seconds.labels(method).observe(time.monotonic() - begin_s)


class Tracing(Around):
    """A span for each request, part of the trace that the client's metadata names."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Probes and reflection have none."""
        if method.startswith(_UNTRACED_SERVICES):
            yield
            return
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        with traces.continuing(metadata), traces.span(method.lstrip("/"), kind=SpanKind.SERVER):
            yield


class TranslatingErrors(Around):
    """Turns errors into canonical statuses."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """End the request with the status of whatever it raises."""
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - nobody is there to see it but the client and the log
            await context.abort_with_status(rpc_status.to_status(status_of(error, method=method)))


def _reading_late(handler: Handler) -> Handler:
    """Have the request's message read within, so that whoever may not ask needn't be listened to.

    For gRPC that makes it one of those whose messages are taken when the handler wants them. Its bytes are read within
    too: gRPC itself has words of its own for those that are no request.
    """
    read = handler.request_deserializer
    if handler.request_streaming or read is None:
        return handler
    behaviour: Any = handler.unary_stream or handler.unary_unary

    async def handle(_: object, context: Context) -> object:
        answer = behaviour(read(await _message(context)), context)
        if inspect.isawaitable(answer):
            return await answer
        async with aclosing(answer) as answers:
            async for one in answers:
                await context.write(one)
        return None

    make = grpc.stream_stream_rpc_method_handler if handler.response_streaming else grpc.stream_unary_rpc_method_handler
    return make(handle, None, handler.response_serializer)


async def _message(context: Context) -> Any:
    """The bytes of a request's message. Raises ApiError where they don't come in time, or not at all."""
    try:
        async with asyncio.timeout(MESSAGE_WITHIN_S):
            message = await context.read()
    except TimeoutError:
        said = f"The request's message didn't come within {MESSAGE_WITHIN_S:.0f} s; send it again."
        raise ApiError(ErrorKind.CANCELLED, "MESSAGE_TOO_SLOW", said) from None
    if message is grpc.aio.EOF:
        raise ApiError(ErrorKind.CANCELLED, "MESSAGE_MISSING", "The request ended without a message; send it again.")
    return message


def code_of(context: Context) -> grpc.StatusCode:
    """The code of an answer that was given."""
    number: object = context.code()
    return next((code for code in grpc.StatusCode if number in (code, code.value[0])), grpc.StatusCode.UNKNOWN)
