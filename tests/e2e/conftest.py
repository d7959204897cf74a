"""The command line as a user meets it: one small clip with known truth, run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from liftline_cli.main import app
from liftline_demo.mannequin.clip import Clip, render_clip
from tests.support import CommandResult, Liftline


@pytest.fixture(scope="session")
def liftline() -> Liftline:
    """Run the command with these arguments."""

    def run(*arguments: object) -> CommandResult:
        result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        return CommandResult(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the walking mannequin, small."""
    path = tmp_path_factory.mktemp("mannequin") / "walk.mp4"
    render_clip(path, Clip(16, Fraction(16), (320, 240)))
    return path


@pytest.fixture(scope="session")
def processed(clip: Path, liftline: Liftline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one whole run. Tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("processed")
    outcome = liftline("process", clip, "--output-dir", folder, "--export", "json,csv,npy,trc")
    assert outcome.exit_code == 0, outcome.stderr
    return folder


@pytest.fixture
def blank_video(tmp_path: Path) -> Callable[..., Path]:
    """Make a video in which nobody is."""

    def make(name: str = "blank.mp4", *, frames: int = 8, size: tuple[int, int] = (160, 120)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=8)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for packet in _packets(stream, frames, size):
                container.mux(packet)
        return path

    return make


def _packets(stream: Any, frames: int, size: tuple[int, int]) -> Iterator[Any]:
    for shade in range(frames):
        picture = np.full((size[1], size[0], 3), 80 + shade, np.uint8)
        yield from stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))
    yield from stream.encode(None)
