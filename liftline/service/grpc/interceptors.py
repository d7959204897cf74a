"""What happens around every request, whatever its kind: counted, traced, its errors told in the canonical way."""

from __future__ import annotations

import inspect
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status
from opentelemetry.trace import SpanKind

from liftline.service.grpc.status_codes import status_of
from liftline.telemetry import traces
from liftline.telemetry.metrics import RequestMetrics

# Types are generic for type checkers alone.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_OPEN_SERVICES = ("/grpc.health.v1.Health/",)
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
            code = _code(context)
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
    """Have the request's bytes read within: gRPC itself has words of its own for those that are no request."""
    read = handler.request_deserializer
    if handler.request_streaming or read is None:
        return handler
    behaviour: Any = handler.unary_stream or handler.unary_unary
    make = grpc.unary_stream_rpc_method_handler if handler.response_streaming else grpc.unary_unary_rpc_method_handler
    return make(lambda request, context: behaviour(read(request), context), None, handler.response_serializer)


def _code(context: Context) -> grpc.StatusCode:
    number: object = context.code()
    return next((code for code in grpc.StatusCode if number in (code, code.value[0])), grpc.StatusCode.UNKNOWN)
