"""Structured logs to stderr; off unless asked for, since the command line reports in its own words."""

from __future__ import annotations

import logging
import sys
import warnings

import structlog

from liftline.telemetry.visible import visible_event, visible_traceback


def configure_logging(*, verbose: bool) -> None:
    """Log events with fields: warnings and up, everything with `verbose`."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            visible_event,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=visible_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def quiet_libraries() -> None:
    """Keep what libraries tell programmers (deprecations and the like) off a user's terminal; `python -W` shows it."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
