"""What the benchmarks share: options, where results go, the machine they were measured on, rich tables of figures."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from liftline import __version__
from liftline.errors import InvalidInputError
from liftline.files.atomic import write_json

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
SAMPLE_VIDEO = SHARED_DATA / "videos" / "walk_side_view.mp4"


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    cpu = Path("/proc/cpuinfo")
    models = [line.split(":", 1)[1].strip() for line in _lines(cpu) if line.startswith("model name")]
    return {
        "liftline": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def save_results(name: str, figures: Mapping[str, Any]) -> Path:
    """Write figures as JSON to `benchmarks/results/<name>.json`; numbers that aren't finite become null."""
    path = RESULTS / f"{name}.json"
    write_json(path, _finite({"machine": machine(), **figures}))
    return path


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(title: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Print rows that share their keys; all columns but the first are aligned right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, heading in enumerate(rows[0] if rows else []):
        table.add_column(heading, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table, soft_wrap=True)


def need(path: Path) -> Path:
    """The path, if it is there. Raises InvalidInputError."""
    if not path.exists():
        raise InvalidInputError(f"{path}: not there; this benchmark needs the shared data beside the checkout.")
    return path
