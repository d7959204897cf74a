"""What became of every video of a folder: one table for people, one JSON object for scripts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from liftline import __version__
from liftline.errors import ExitCode
from liftline.telemetry.visible import visible
from liftline_cli.batch.messages import Report, VideoOutcome

SCHEMA_VERSION = 1
_FINE = (VideoOutcome.DONE, VideoOutcome.UNCHANGED)
_HOPELESS = (ExitCode.USAGE, ExitCode.MODEL)
_COLOURS = {
    VideoOutcome.DONE: "green",
    VideoOutcome.UNCHANGED: "green",
    VideoOutcome.WAITING: "dim",
    VideoOutcome.STOPPED: "yellow",
}


@dataclass(frozen=True)
class Summary:
    """The reports on all videos so far, by path relative to the input folder."""

    folder: Path
    output_dir: Path
    reports: dict[Path, Report]
    seconds: float

    @property
    def hopeless(self) -> bool:
        """Whether a video failed for a reason that every other will share: the options, or a model."""
        return any(report.exit_code in _HOPELESS for report in self.reports.values())

    @property
    def exit_code(self) -> int:
        """0: every video is done. 1: some failed. 2 or 4: given up, see `hopeless`. 130: stopped before the end."""
        outcomes = {report.outcome for report in self.reports.values()}
        if self.hopeless:
            return max(report.exit_code for report in self.reports.values() if report.exit_code in _HOPELESS)
        if outcomes & {VideoOutcome.STOPPED, VideoOutcome.WAITING}:
            return int(ExitCode.INTERRUPTED)
        return int(ExitCode.DONE if outcomes <= set(_FINE) else ExitCode.FAILED)

    def counts(self) -> dict[str, int]:
        """How many videos had each outcome."""
        found = Counter(report.outcome for report in self.reports.values())
        return {str(outcome): found[outcome] for outcome in VideoOutcome if found[outcome]}

    def to_json(self) -> dict[str, Any]:
        """The summary as `summary.json` holds it: totals, and a row per video."""
        return {
            "schema_version": SCHEMA_VERSION,
            "liftline": __version__,
            "input": shown(self.folder),
            "output_dir": shown(self.output_dir),
            "seconds": round(self.seconds, 3),
            "counts": self.counts(),
            "videos": [self._row(video, report) for video, report in self.reports.items()],
        }

    def _row(self, video: Path, report: Report) -> dict[str, Any]:
        row: dict[str, Any] = {
            "video": shown(video),
            "output_dir": shown(self.output_dir / video),
            "outcome": str(report.outcome),
            "error": report.error,
            "kind": report.kind,
            "warnings": list(report.warnings),
        }
        if measures := report.measures:
            row |= vars(measures) | {
                "coverage": round(measures.coverage, 4),
                "seconds": round(measures.seconds, 3),
                "frames_per_second": _rate(report),
            }
        return row

    def table(self) -> Table:
        """A table for a terminal, one line per video."""
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("video", overflow="fold", min_width=14)
        for heading in ("frames", "people", "ids", "coverage", "seconds", "fps", "warn"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("outcome", no_wrap=True)
        for video, report in self.reports.items():
            outcome = Text(str(report.outcome), style=_COLOURS.get(report.outcome, "red"))
            table.add_row(Text(visible(shown(video))), *_figures(report), outcome)
        return table

    def errors(self) -> list[str]:
        """What went wrong, a line per video that isn't done."""
        return [
            visible(f"{shown(video)}: {_without_name(report.error, video)}")
            for video, report in self.reports.items()
            if report.error
        ]


def shown(path: Path) -> str:
    """A path as text that can be printed and stored, whatever bytes its name has."""
    return str(path).encode(errors="replace").decode()


def _rate(report: Report) -> float | None:
    measures = report.measures
    return round(measures.frames / measures.seconds, 1) if measures and measures.seconds else None


def _figures(report: Report) -> list[str]:
    measures, warnings = report.measures, str(len(report.warnings) or "")
    if measures is None:
        return ["", "", "", "", "", "", warnings]
    rate = _rate(report)
    return [
        str(measures.frames),
        str(measures.people),
        str(measures.ids),
        f"{measures.coverage:.0%}",
        f"{measures.seconds:.1f}",
        "" if rate is None else f"{rate:.1f}",
        warnings,
    ]


def _without_name(words: str, video: Path) -> str:
    """Messages open with the video's name or path; a list of videos has said it already."""
    return words.split(f"{video.name}: ", 1)[-1]
