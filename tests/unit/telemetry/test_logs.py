"""Log lines of services: one JSON object or one plain line each, whoever logs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.settings.services import TelemetrySettings
from liftline.telemetry.logs import configure_logging, task_fields
from liftline.telemetry.traces import continuing

TASK = TaskKey(JobKey("acme", "0193"), Stage.DETECT, 3)
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture(autouse=True)
def _root_logger_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def configure(log_format: str = "json", log_level: str = "info") -> None:
    settings = TelemetrySettings(log_format=log_format, log_level=log_level)
    configure_logging(settings, service="detector", worker="detector-1")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_tells_who_did_what_in_which_task(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    with task_fields(TASK), continuing(TRACE):
        structlog.get_logger("liftline.worker").info("segment_detected", frames=7)
    structlog.get_logger("liftline.worker").info("idle")
    detected, idle = lines(capsys)
    assert detected["message"] == "segment_detected"
    assert (detected["level"], detected["logger"], detected["frames"]) == ("info", "liftline.worker", 7)
    assert (detected["service"], detected["worker"]) == ("detector", "detector-1")
    assert (detected["tenant"], detected["job"], detected["stage"], detected["segment"]) == (
        "acme",
        "0193",
        "detect",
        3,
    )
    assert detected["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert not {"tenant", "job", "stage", "segment", "trace_id"} & idle.keys()


async def test_threads_of_a_task_tell_its_fields_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure()

    async def work() -> None:
        with task_fields(TASK):
            await asyncio.to_thread(lambda: structlog.get_logger("liftline_detector").info("decoding"))

    await work()
    assert lines(capsys)[0]["job"] == "0193"


def test_libraries_log_in_the_same_form_and_not_too_much(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    with task_fields(TASK):
        logging.getLogger("nats.aio.client").warning("lost %s", "a server")
        logging.getLogger("nats.aio.client").info("chatter")
    (line,) = lines(capsys)
    assert (line["message"], line["level"], line["logger"]) == ("lost a server", "warning", "nats.aio.client")
    assert line["job"] == "0193"


def test_less_than_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_level="warning")
    structlog.get_logger("liftline.worker").info("unseen")
    structlog.get_logger("liftline.worker").warning("seen")
    assert [line["message"] for line in lines(capsys)] == ["seen"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_tells_where_but_no_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure(log_format)
    password = "hunter2-is-secret"

    def fail() -> None:
        kept = password
        raise ValueError(f"{len(kept)} letters")

    try:
        fail()
    except ValueError:
        structlog.get_logger("liftline.worker").exception("task_failed")
    text = capsys.readouterr().err
    assert "task_failed" in text
    assert "ValueError" in text
    assert "test_logs.py" in text
    assert "hunter2" not in text
    assert (text.count("\n") == 1) is (log_format == "json")


def test_a_console_line_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    configure("console")
    with task_fields(TASK):
        structlog.get_logger("liftline.worker").info("segment_detected", frames=7)
    line = capsys.readouterr().err
    assert "segment_detected" in line
    assert "job=0193" in line
    assert "\x1b" not in line
