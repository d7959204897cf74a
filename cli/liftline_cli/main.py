"""The `liftline` command. Exit codes: 0 done, 2 usage, 3 bad input, 4 model missing or refused, 1 anything else."""

from __future__ import annotations

from typing import Annotated

import typer

from liftline import __version__
from liftline_cli.commands.process import process
from liftline_cli.commands.steps import detect, lift, render
from liftline_cli.models import app as models_app
from liftline_cli.telemetry import quiet_libraries

app = typer.Typer(
    name="liftline",
    help="Videos of people in, 3D human poses and a rendered video out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"liftline {__version__}")
        raise typer.Exit


app.command(
    epilog="Examples: `liftline process clip.mp4 --output-dir outputs --export trc,csv`, "
    "`liftline process videos/ --output-dir outputs --json`"
)(process)
app.command(epilog="Example: `liftline detect clip.mp4 --output-dir outputs`")(detect)
app.command(epilog="Example: `liftline lift outputs/custom_data/tracks_clip.npz --output poses.npz`")(lift)
app.command(epilog="Example: `liftline render clip.mp4 outputs/poses_3d/clip.npz --output clip.gif --layout 3d`")(
    render
)
app.add_typer(models_app, name="models")


def main() -> None:
    """Entry point of the console script."""
    quiet_libraries()
    app()


if __name__ == "__main__":
    main()
