"""A service that is told to end while it still loads ends, with 0."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[3] / "services"
TOLD_EARLY = "import liftline.service.early_sigterm"
LOADING = f"{TOLD_EARLY}\nimport os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(30)\nos._exit(3)"


def test_being_told_to_end_is_the_end() -> None:
    assert subprocess.run([sys.executable, "-c", LOADING], check=False, timeout=25).returncode == 0


@pytest.mark.parametrize("main", sorted(SERVICES.glob("*/*/__main__.py")), ids=lambda path: path.parent.name)
def test_services_know_of_it_before_they_load_anything(main: Path) -> None:
    first = next(node for node in ast.parse(main.read_text()).body if not _says_nothing(node))
    assert ast.unparse(first) == f"if __name__ == '__main__':\n    {TOLD_EARLY}"


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
