"""Structured logs of services, one line each to stderr: JSON for machines, or plain for people.

What libraries log (NATS, gRPC) goes the same way. Fields bound with `task_fields` are on every line of that task, also
of threads that got its context (`asyncio.to_thread`, `contextvars.copy_context`).
"""

from __future__ import annotations

import logging
import logging.config
import sys
from contextlib import AbstractContextManager

import stamina.instrumentation
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from liftline.jobs.naming import TaskKey
from liftline.settings.services import TelemetrySettings
from liftline.telemetry.visible import visible_event, visible_traceback

_CHATTY = ("asyncio", "grpc", "httpcore", "minio", "nats", "opentelemetry", "urllib3")


def configure_logging(settings: TelemetrySettings, *, service: str, worker: str) -> None:
    """Log everything of this process as the settings say, with the service's and the worker's name."""
    stamina.instrumentation.set_on_retry_hooks(())  # whoever retries says what failed, and how often
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _shared_processors(service, worker)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings.log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def task_fields(key: TaskKey) -> AbstractContextManager[None]:
    """Tenant, job, stage and segment on every line logged within."""
    return structlog.contextvars.bound_contextvars(
        tenant=key.job.tenant, job=key.job.job, stage=str(key.stage), segment=key.number
    )


def _shared_processors(service: str, worker: str) -> list[Processor]:
    def add_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        event.setdefault("worker", worker)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        add_process,
        _add_trace,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event


def _rendering(log_format: str) -> list[Processor]:
    if log_format == "console":
        colours = sys.stderr.isatty()
        return [visible_event, structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=visible_traceback)]
    # Variables stay out: they hold tokens, addresses that anyone may use, and the like.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(tracebacks),
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(default=str),
    ]
