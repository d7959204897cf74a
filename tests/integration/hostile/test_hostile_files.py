"""Files that want to run something, or to fill the memory, are refused in words by all who could meet them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hostile.files import hostile_files
from tests.integration.hostile.programs import programs

pytestmark = pytest.mark.timeout(900)
"""Over 500 attempts, of which most start a process: minutes where the machine has other work."""

ATTEMPTS = Path(__file__).with_name("attempts.py")
MOST_MIB = 400
"""For the interpreter with PyTorch in it, about 180, and what a reader takes of its own."""

HARM_CARELESS_READERS = (
    "os.system, protocol 0", "os.system, protocol 4", "eval", "exec", "open", "pathlib", "pickle.loads",
    "getattr chain", "name from the memo", "argument of an allowed function", "a call inside an array of objects",
    "a call inside a key", "numpy.memmap", "INST", "OBJ",
)  # fmt: skip


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of every file in every reader."""
    folder = tmp_path_factory.mktemp("hostile")
    lines = []
    for number, hostile in enumerate(hostile_files(folder / "canary")):
        path = folder / f"{number:04d}"
        path.write_bytes(hostile.content)
        lines += [(hostile.kind, f"{reader}\t{path}") for reader in hostile.readers]
    done = subprocess.run(
        [sys.executable, ATTEMPTS], input="\n".join(line for _, line in lines), capture_output=True, text=True,
        check=True, cwd=folder,
    )  # fmt: skip
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(lines)
    assert not (folder / "canary").exists()
    return [{"kind": kind, **result} for (kind, _), result in zip(lines, results, strict=True)]


def worst(attempts: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return max(attempts, key=lambda attempt: attempt[key])


def test_every_file_is_refused_in_one_sentence_or_two(attempts: list[dict[str, Any]]) -> None:
    assert len(attempts) >= 500
    wrong = [each for each in attempts if not each["outcome"].startswith("refused: ") or "\n" in each["outcome"]]
    assert wrong == []


def test_none_takes_more_than_bounded_memory(attempts: list[dict[str, Any]]) -> None:
    assert worst(attempts, "peak_mib")["peak_mib"] < MOST_MIB, worst(attempts, "peak_mib")


def test_none_takes_long(attempts: list[dict[str, Any]]) -> None:
    assert worst(attempts, "seconds")["seconds"] < 30, worst(attempts, "seconds")


@pytest.mark.parametrize("kind", HARM_CARELESS_READERS)
def test_python_itself_would_have_run_it(kind: str, tmp_path: Path) -> None:
    """So that the tests above are about programs that work."""
    (tmp_path / "program").write_bytes(programs(tmp_path / "canary")[kind])
    careless = "import pickle, pathlib; pickle.loads(pathlib.Path('program').read_bytes())"
    subprocess.run([sys.executable, "-c", careless], capture_output=True, check=False, cwd=tmp_path)
    assert (tmp_path / "canary").exists()
