"""The client needs its own extra and nothing else: no model, no video library, no service, no command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import liftline.client
from tests.integration.client.fake_gateway import Gateway

WITHIN_S = 600.0
"""Packages come from an index, which may be slow."""
ROOT = Path(__file__).resolve().parents[3]
REFUSED = (
    "ai_edge_litert", "av", "cv2", "jwt", "minio", "nats", "numpy", "opentelemetry", "prometheus_client", "rich",
    "scipy", "torch", "typer", "liftline_cli", "liftline_demo", "liftline_detector",
    "liftline_gateway", "liftline_lifter", "liftline_renderer", "liftline.adapters", "liftline.exports",
    "liftline.models", "liftline.pipeline", "liftline.service", "liftline.telemetry", "liftline.video",
    "liftline.worker",
)  # fmt: skip
TREE = {"output_videos/clip.mp4": b"drawn", "poses_3d/clip.npz": b"poses"}
CHILD = """
import importlib.abc, sys

class Refusing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in REFUSED):
            raise ImportError(f"the client wants {name}")

REFUSED, example = sys.argv[1].split(","), sys.argv[2]
sys.meta_path.insert(0, Refusing())
exec(example)
"""


def example() -> str:
    """The one in the package's docstring."""
    lines = (liftline.client.__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


def run(python: Path, code: str, *arguments: str, folder: Path, server: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LIFTLINE_SERVER": server},
    )  # fmt: skip


def succeed_once_submitted(gateway: Gateway) -> None:
    with gateway.changed:
        assert gateway.changed.wait_for(lambda: gateway.jobs, timeout=WITHIN_S)
    gateway.succeed(next(iter(gateway.jobs)), TREE)


@pytest.fixture
def submitted(gateway: Gateway, video: Path) -> Gateway:
    """A gateway whose first job succeeds; `video` is there to be submitted."""
    threading.Thread(target=succeed_once_submitted, args=(gateway,), daemon=True).start()
    return gateway


def check_outputs(folder: Path) -> None:
    found = {path: (folder / "outputs" / path).read_bytes() for path in TREE}
    assert found == TREE
    assert set(json.loads((folder / "outputs" / "manifest.json").read_text())["files"]) == set(TREE)


def test_the_example_at_the_door_runs_without_what_does_the_work(submitted: Gateway, video: Path) -> None:
    server = submitted.connection.address
    ended = run(Path(sys.executable), CHILD, ",".join(REFUSED), example(), folder=video.parent, server=server)
    assert ended.returncode == 0, ended.stderr
    check_outputs(video.parent)


def test_what_is_refused_would_be_noticed(tmp_path: Path) -> None:
    code = "import liftline.worker.board"
    ended = run(Path(sys.executable), CHILD, ",".join(REFUSED), code, folder=tmp_path, server="127.0.0.1:1")
    assert "the client wants liftline.worker" in ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S)
def test_an_empty_environment_with_the_extra_is_enough(submitted: Gateway, video: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}[client]"], check=True)
    ended = run(python, example(), folder=video.parent, server=submitted.connection.address)
    assert ended.returncode == 0, ended.stderr
    check_outputs(video.parent)
    packages = {path.name.lower() for path in (environment / "lib").glob("python3*/site-packages/*.dist-info")}
    assert not [name for name in packages if name.startswith(("torch", "opencv", "nats", "minio", "typer"))]
