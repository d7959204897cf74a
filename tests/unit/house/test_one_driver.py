"""Stages have one driver: `make check` refuses whoever calls them past their handlers, or handlers past the driver."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("liftline", "services", "cli", "demo", "benchmarks", "training")
IMPORTED_FROM = ("", "services/gateway", "services/detector", "services/lifter", "services/renderer", "cli", "demo")
STAGES = "One driver: a stage is called by its service's handlers alone"
HANDLERS = "Handlers are given to the worker loop and to the local driver alone"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that import-linter reads."""
    folder = tmp_path_factory.mktemp("house")
    unread = shutil.ignore_patterns("__pycache__", "*.npz", "weights", "results", "runs")
    for source in SOURCES:
        shutil.copytree(ROOT / source, folder / source, ignore=unread)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def told_of(contract: str, house: Path) -> str:
    """KEPT or BROKEN."""
    found = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=house, env={"PYTHONPATH": ":".join(str(house / part) for part in IMPORTED_FROM), "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in found.stdout.splitlines() if line.startswith(contract)]
    assert lines, found.stdout + found.stderr
    word = lines[0].removeprefix(contract).strip()
    assert (word == "BROKEN") <= (found.returncode != 0), "and then `make check` fails"
    return word


@pytest.mark.parametrize("contract", [STAGES, HANDLERS])
def test_as_it_stands_there_is_one_driver(contract: str, house: Path) -> None:
    assert told_of(contract, house) == "KEPT"


@pytest.mark.parametrize(
    ("place", "line", "contract"),
    [
        ("cli/liftline_cli/local/process.py", "from liftline_detector.stage import detect_segment", STAGES),
        ("cli/liftline_cli/local/single_steps.py", "from liftline_lifter.stage import lift_tracks", STAGES),
        ("cli/liftline_cli/commands/process.py", "from liftline.video.planning import plan_video", STAGES),
        ("demo/liftline_demo/__main__.py", "from liftline_renderer.stage import render_segment", STAGES),
        ("demo/liftline_demo/__main__.py", "from liftline_renderer.encoding.mux import mux", STAGES),
        ("liftline/pipeline/local/run.py", "from liftline.video.planning import plan_video", STAGES),
        ("cli/liftline_cli/local/process.py", "from liftline_lifter.handlers import LiftHandler", HANDLERS),
        ("demo/liftline_demo/__main__.py", "from liftline_detector.handlers import PlanHandler", HANDLERS),
    ],
)
def test_a_second_driver_is_refused(place: str, line: str, contract: str, house: Path) -> None:
    path = house / place
    before = path.read_text("utf-8")
    path.write_text(f"{before}\n{line}\n", "utf-8")
    try:
        assert told_of(contract, house) == "BROKEN"
    finally:
        path.write_text(before, "utf-8")
