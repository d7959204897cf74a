"""Uploads by the store's form beside a presigned PUT, as before: `python -m benchmarks.resources.uploads`.

An S3 server of its own on this machine; one file, sent by both ways in turn. What is printed: the time of each way, and
the median of the ratios of neighbouring turns.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.console import Console

from benchmarks.common import print_table, save_results
from liftline.adapters.access.roles import Role
from liftline.adapters.s3.client import client
from liftline.adapters.s3.store import S3Store
from liftline.client.transfer import Transfers
from liftline.errors import LiftlineError
from liftline.settings.services import S3Settings
from liftline.upload_form import UploadForm
from liftline_cli.up.children import free_ports
from liftline_cli.up.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

TURNS, SIZE_MB = 8, 256
_HOUR, _RETRY_S = timedelta(hours=1), 60.0
_BUCKET = "uploads"


@dataclass(frozen=True)
class Turn:
    """Seconds that one upload took by either way."""

    form_s: float
    put_s: float


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resources.uploads", description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--size-mb", type=int, default=SIZE_MB)
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            turns = measured(Path(folder), options.turns, options.size_mb << 20)
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    figures = {
        "MB": options.size_mb,
        "form s": median(turn.form_s for turn in turns),
        "PUT s": median(turn.put_s for turn in turns),
        "form to PUT": median(turn.form_s / turn.put_s for turn in turns),
    }
    print_table("Uploads", [{name: f"{value:.3g}" for name, value in figures.items()}])
    print(f"saved to {save_results('uploads', figures)}")
    return 0


def measured(folder: Path, turns: int, size_bytes: int) -> list[Turn]:
    """Both ways in turn, after one of each to warm up."""
    video = folder / "video.mp4"
    video.write_bytes(os.urandom(size_bytes))
    with _s3(folder / "s3") as settings:
        store = S3Store(settings)
        store.ensure_bucket()
        signer = client(settings, retry_s=_RETRY_S, answer_s=_RETRY_S)

        def turn(n: int) -> Turn:
            form = store.upload_form(f"uploads/{n}-form", size_bytes=size_bytes, expires=_HOUR)
            address = signer.presigned_put_object(_BUCKET, f"uploads/{n}-put", _HOUR)
            return Turn(_seconds(form, video), _seconds(UploadForm(address, {}, size_bytes), video))

        return [turn(n) for n in range(turns + 1)][1:]


def _seconds(form: UploadForm, video: Path) -> float:
    started = time.perf_counter()
    Transfers().upload(form, video)
    return time.perf_counter() - started


@contextmanager
def _s3(folder: Path) -> Iterator[S3Settings]:
    (port,) = free_ports(1)
    server = S3Server(folder, port)
    server.start()
    try:
        access_key, secret_key = server.keys(Role.OPERATOR)
        yield S3Settings(
            endpoint=server.endpoint, access_key=access_key, secret_key=SecretStr(secret_key), bucket=_BUCKET
        )
    finally:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
