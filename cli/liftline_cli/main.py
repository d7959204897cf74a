"""The `liftline` command. Exit codes: 0 done, 2 usage, 3 bad input, 4 model missing or refused, 1 anything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from liftline import __version__
from liftline.errors import Cancelled, ExitCode, LiftlineError
from liftline.running import StopFlag
from liftline.settings import load_settings
from liftline_cli.interrupts import stop_on_interrupt
from liftline_cli.models import app as models_app
from liftline_cli.reporting import ConsoleReporter
from liftline_cli.telemetry import configure_logging

if TYPE_CHECKING:
    from liftline_cli.process import ProcessResult

app = typer.Typer(
    name="liftline",
    help="Videos of people in, 3D human poses and a rendered video out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")


class Layout(StrEnum):
    """What the rendered video shows."""

    OVERLAY = "overlay"
    SIDE_BY_SIDE = "side-by-side"
    THREE_D = "3d"


class Smooth(StrEnum):
    """How the 3D poses are smoothed in time."""

    NONE = "none"
    ONE_EURO = "one-euro"
    BUTTERWORTH = "butterworth"
    SAVGOL = "savgol"


@dataclass(frozen=True)
class Session:
    """What every command gets: where to report, and the flag Ctrl-C sets."""

    reporter: ConsoleReporter
    stop: StopFlag
    as_json: bool


OutputDir = Annotated[
    Path, typer.Option("--output-dir", "-o", help="Folder for the results.", rich_help_panel="Output")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for scripts; no progress bars.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside, to stderr.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Run every step again, even if nothing changed.")]
DetectorName = Annotated[str, typer.Option("--detector", help="auto or blazepose.", rich_help_panel="Models")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Lifter weights: ours or VideoPose3D's .bin. Default: bundled.", rich_help_panel="Models"),
]
LayoutOption = Annotated[Layout, typer.Option("--layout", help="What the video shows.", rich_help_panel="Rendering")]
SmoothOption = Annotated[Smooth, typer.Option("--smooth", help="Smoothing in time.", rich_help_panel="Lifting")]
NativeRate = Annotated[
    bool,
    typer.Option("--native-rate", help="Don't resample to the rate of the weights.", rich_help_panel="Lifting"),
]
FocalPx = Annotated[
    float | None,
    typer.Option("--focal-px", min=1.0, help="Focal length in pixels; assumed if unknown.", rich_help_panel="Lifting"),
]
ExportFormats = Annotated[
    str,
    typer.Option("--export", metavar="LIST", help="Also write json, csv, npy, trc.", rich_help_panel="Output"),
]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"liftline {__version__}")
        raise typer.Exit


@app.command(epilog="Example: `liftline process clip.mp4 --output-dir outputs --export trc,csv`")
def process(
    video: Annotated[Path, typer.Argument(help="Any video libav can read.", show_default=False)],
    output_dir: OutputDir = Path("outputs"),
    detector: DetectorName = "auto",
    checkpoint: Checkpoint = None,
    layout: LayoutOption = Layout.SIDE_BY_SIDE,
    smooth: SmoothOption = Smooth.BUTTERWORTH,
    native_rate: NativeRate = False,
    focal_px: FocalPx = None,
    export: ExportFormats = "",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run everything: find people, lift them to 3D, render the video."""
    with _session(as_json=as_json, verbose=verbose) as session:
        from liftline.exports import parse_formats
        from liftline_cli.process import LiftSettings, ProcessSettings, RenderSettings, process_video

        settings = ProcessSettings.for_machine(
            load_settings(),
            detector=detector,
            checkpoint=checkpoint,
            lift=LiftSettings(smooth=smooth.value, native_rate=native_rate, focal_px=focal_px),
            render=RenderSettings(layout=layout.value),
            export=parse_formats(export),
            overwrite=overwrite,
        )
        result = process_video(video, output_dir, settings=settings, reporter=session.reporter, stop=session.stop)
        _closing(session, _summary(result), result.files)


@app.command(epilog="Example: `liftline detect clip.mp4 --output-dir outputs`")
def detect(
    video: Annotated[Path, typer.Argument(help="Any video libav can read.", show_default=False)],
    output_dir: OutputDir = Path("outputs"),
    detector: DetectorName = "auto",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find and track people only: fills `detectron_output/` and `custom_data/`."""
    with _session(as_json=as_json, verbose=verbose) as session:
        from liftline_cli.process import ProcessSettings, detect_video

        settings = ProcessSettings.for_machine(load_settings(), detector=detector, overwrite=overwrite)
        plan, tracks, files = detect_video(
            video, output_dir, settings=settings, reporter=session.reporter, stop=session.stop
        )
        _closing(session, {"frames": plan.frame_count, "people": len(tracks)}, files)


@app.command(epilog="Example: `liftline lift outputs/custom_data/tracks_clip.npz --output poses.npz`")
def lift(
    keypoints: Annotated[Path, typer.Argument(metavar="TRACKS.npz|CUSTOM.npz", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Poses file to write (.npz).")],
    checkpoint: Checkpoint = None,
    smooth: SmoothOption = Smooth.BUTTERWORTH,
    native_rate: NativeRate = False,
    fps: Annotated[float | None, typer.Option(min=0.1, help="Frame rate of a dataset that has no times.")] = None,
    video: Annotated[Path | None, typer.Option(help="The video a dataset without times was made from.")] = None,
    focal_px: FocalPx = None,
    export: ExportFormats = "",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Lift 2D keypoints to 3D: our tracks, or any VideoPose3D custom dataset."""
    with _session(as_json=as_json, verbose=verbose) as session:
        from liftline.exports import parse_formats
        from liftline_cli.single_steps import LiftSettings, lift_file

        summary, files = lift_file(
            keypoints,
            output,
            checkpoint=checkpoint,
            settings=LiftSettings(smooth=smooth.value, native_rate=native_rate, focal_px=focal_px),
            fps=fps,
            video=video,
            formats=parse_formats(export),
            reporter=session.reporter,
            stop=session.stop,
        )
        _closing(session, summary, files)


@app.command(epilog="Example: `liftline render clip.mp4 outputs/poses_3d/clip.npz --output clip.gif --layout 3d`")
def render(
    video: Annotated[Path, typer.Argument(help="The video the poses were made from.", show_default=False)],
    poses: Annotated[Path, typer.Argument(metavar="POSES.npz", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Video to write: .mp4 or .gif.")],
    layout: LayoutOption = Layout.SIDE_BY_SIDE,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Draw 3D poses over their video, beside a 3D view."""
    with _session(as_json=as_json, verbose=verbose) as session:
        from liftline_cli.single_steps import RenderSettings, render_file

        summary, files = render_file(
            video,
            poses,
            output,
            settings=RenderSettings(layout=layout.value),
            reporter=session.reporter,
            stop=session.stop,
        )
        _closing(session, summary, files)


@contextmanager
def _session(*, as_json: bool, verbose: bool) -> Iterator[Session]:
    """Report errors in plain words with their exit code; let Ctrl-C stop the work cleanly."""
    configure_logging(verbose=verbose)
    console = Console(stderr=True)
    try:
        with stop_on_interrupt(console) as stop:
            yield Session(ConsoleReporter(console, quiet=as_json), stop, as_json)
    except LiftlineError as error:
        _fail(console, error, as_json=as_json)
    except MemoryError as error:
        _fail(console, LiftlineError("Out of memory; close other programs or use a smaller video."), as_json=as_json)
        raise typer.Exit(ExitCode.FAILED) from error


def _fail(console: Console, error: LiftlineError, *, as_json: bool) -> None:
    name = "Stopped" if isinstance(error, Cancelled) else "Error"
    if as_json:
        sys.stdout.write(json.dumps({"error": str(error), "kind": type(error).__name__}, ensure_ascii=False) + "\n")
    console.print(f"[red]{name}:[/] ", end="", soft_wrap=True)
    console.print(str(error), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(int(error.exit_code))


def _summary(result: ProcessResult) -> dict[str, Any]:
    return {
        "frames": result.plan.frame_count,
        "people": len(result.poses),
        "models": [{"name": m.name, "sha256": m.sha256, "licence": m.licence} for m in result.models],
        "frames_per_second": round(result.plan.frame_count / result.seconds, 1),
        "manifest": str(result.manifest),
    }


def _closing(session: Session, summary: dict[str, Any], files: dict[str, Path]) -> None:
    reporter = session.reporter
    if session.as_json:
        seconds = {name: round(value, 3) for name, value in reporter.seconds.items()}
        report = {**summary, "files": {k: str(v) for k, v in files.items()}, "seconds": seconds}
        sys.stdout.write(json.dumps({**report, "warnings": reporter.warnings}, ensure_ascii=False) + "\n")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, path in files.items():
        table.add_row(name, str(path))
    reporter.console.print()
    reporter.console.print(table, soft_wrap=True)
    timings = ", ".join(f"{name} {value:.1f} s" for name, value in reporter.seconds.items())
    models = ", ".join(f"{m['name']} ({m['licence']})" for m in summary.get("models", []))
    if models:
        reporter.console.print(f"models: {models}", highlight=False, soft_wrap=True)
    if timings:
        reporter.console.print(f"{summary.get('frames', '?')} frames: {timings}", highlight=False, soft_wrap=True)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
