"""Names of files and words of servers that a terminal would obey: they are written out wherever a person reads them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import structlog
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from liftline.errors import LiftlineError
from liftline.settings.services import TelemetrySettings
from liftline.telemetry.logs import configure_logging as configure_service_logging
from liftline.telemetry.visible import visible, visible_json
from liftline_cli.batch._summary import Summary
from liftline_cli.batch.messages import Report, VideoOutcome
from liftline_cli.batch.run import show
from liftline_cli.console.logging import configure_logging
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.console.session import print_json, print_table, session
from liftline_cli.console.terminal import Terminal

HOSTILE = "a\x1b]52;c;cm0=\x07\x1b[2J\rb\x9b31m\u202e4pm.\u2066c\u2028d"
SHOWN = r"a\x1b]52;c;cm0=\x07\x1b[2J\rb\x9b31m\u202e4pm.\u2066c\u2028d"


def terminal() -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(file=file, width=500, force_terminal=True), file


def obeyed(text: str) -> list[str]:
    """What of it isn't rich's own colours."""
    return [one for one in HOSTILE if not one.isprintable() and one != "\x1b" and one in text] + (
        ["\x1b"] if "\x1b]" in text or "\x1b[2J" in text else []
    )


def test_what_a_terminal_obeys_is_written_out_and_nothing_else() -> None:
    assert visible(HOSTILE) == SHOWN
    assert visible(SHOWN) == SHOWN
    name = "Vidéo 動画 👩‍🚀\u202fPM.mp4"
    assert visible(name) == name
    assert visible("a\nb\tc") == "a\\nb\\tc"


def test_json_for_scripts_means_what_it_did() -> None:
    written = visible_json(json.dumps({"video": HOSTILE, "é": "動画"}, ensure_ascii=False))
    assert json.loads(written) == {"video": HOSTILE, "é": "動画"}
    assert "動画" in written
    assert not obeyed(written)


def test_a_reporter_shows_a_hostile_name_in_all_it_says() -> None:
    console, file = terminal()
    reporter = ConsoleReporter(console)
    reporter.warn(f"{HOSTILE}: odd")
    reporter.fail(f"{HOSTILE}\nError: feigned")
    reporter.say(HOSTILE)
    with reporter.step("plan", 1):
        console.print(escape(HOSTILE), highlight=False, soft_wrap=True)
    printed = file.getvalue()
    assert printed.count("]52;c;cm0=") == 4
    assert not obeyed(printed.replace("\r", "").replace("\x1b[2K", ""))
    assert "\nError: feigned" not in printed


def test_tables_show_a_hostile_name() -> None:
    console, file = terminal()
    table = Table("video")
    table.add_row(Text(HOSTILE))
    console.print(table)
    print_table(table, file)
    assert file.getvalue().count("]52;c;cm0=") == 2
    assert not obeyed(file.getvalue())


def test_the_summary_of_a_batch_shows_a_hostile_name() -> None:
    console, file = terminal()
    report = Report(VideoOutcome.FAILED, f"{HOSTILE}: no video", "InvalidVideoError", 3)
    show(Summary(Path("in"), Path(HOSTILE), {Path(f"x\n{HOSTILE}"): report}, 1.0), console)
    assert "\\n" in file.getvalue()
    assert not obeyed(file.getvalue())


def test_errors_of_commands_show_a_hostile_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BaseException, match="1"), session(as_json=True, verbose=False):
        raise LiftlineError(f"{HOSTILE}: can't be read")
    printed = capsys.readouterr()
    assert SHOWN in printed.err
    assert not obeyed(printed.out + printed.err)
    print_json({"video": HOSTILE})
    assert not obeyed(capsys.readouterr().out)


@pytest.mark.parametrize("of", ["command line", "service"])
def test_logs_for_people_show_a_hostile_name(capsys: pytest.CaptureFixture[str], of: str) -> None:
    if of == "service":
        configure_service_logging(TelemetrySettings(log_format="console"), service="lifter", worker="w")
    else:
        configure_logging(verbose=True)
    log = structlog.get_logger("test")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception(HOSTILE, video=HOSTILE)
    sys.stderr.flush()
    printed = capsys.readouterr().err
    assert printed.count("]52;c;cm0=") >= 3
    assert not obeyed(printed)
