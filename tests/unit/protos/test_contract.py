"""The wire contract: its generated code is current, its style holds, and what was released isn't broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROTOS = ROOT / "protos"
BUF = Path(sys.executable).with_name("buf")


def _buf(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUF, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A copy of the contract, to be changed."""
    return shutil.copytree(PROTOS, tmp_path / "protos")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_generated_code_is_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROTOS / "generate.py", tmp_path], check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in (tmp_path / "liftline" / "v1").iterdir()}
    committed = {path.name: path.read_bytes() for path in (ROOT / "liftline" / "v1").glob("*_pb2*.py*")}
    assert made == committed, "run `make protos` and commit what it writes"


def test_style_is_checked(edited: Path) -> None:
    assert _buf("lint", PROTOS).returncode == 0
    _replace(edited / "liftline/v1/job_service.proto", "string request_id = 4;", "string RequestId = 4;")
    assert "RequestId" in _buf("lint", edited).stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("job_service.proto", "int64 frame_count = 10;", "int32 frame_count = 10;"),
        ("job_service.proto", "string request_id = 4;", "string request_id = 6;"),
        ("events.proto", "double segment_s = 6;", "string segment_s = 6;"),
        ("records.proto", "bytes done = 4;", ""),
    ],
)
def test_a_breaking_change_is_found(edited: Path, file: str, old: str, new: str) -> None:
    _replace(edited / "liftline/v1" / file, old, new)
    assert _buf("breaking", edited, "--against", PROTOS / "released.binpb").returncode != 0


def test_nothing_released_is_broken() -> None:
    done = _buf("breaking", PROTOS, "--against", PROTOS / "released.binpb")
    assert done.returncode == 0, done.stdout
