"""The `liftline` command. Exit codes: 0 done, 2 usage, 3 bad input, 4 model missing or refused, 5 a server
that can't be reached, 1 anything else."""

from __future__ import annotations

from typing import Annotated

import typer

from liftline import __version__
from liftline_cli.commands.jobs import cancel, delete, get, list_jobs
from liftline_cli.commands.kinematics import kinematics
from liftline_cli.commands.models import app as models_app
from liftline_cli.commands.process import process
from liftline_cli.commands.steps import detect, lift, render
from liftline_cli.commands.submit import download, submit, watch
from liftline_cli.commands.token import token
from liftline_cli.commands.up import down, up
from liftline_cli.console.logging import quiet_libraries

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
app.command(epilog="Example: `liftline kinematics outputs/poses_3d/clip.trc --mass 65`")(kinematics)
app.command(
    epilog="Examples: `liftline submit clip.mp4 --wait --output-dir outputs`, "
    "`liftline submit *.mp4 --priority low --json`"
)(submit)
app.command(epilog="Example: `liftline watch 019ab3c4d5e6f7a8b9c0d1`")(watch)
app.command(epilog="Example: `liftline get 019ab3c4d5e6f7a8b9c0d1 --json`")(get)
app.command("list", epilog="Example: `liftline list --limit 100`")(list_jobs)
app.command(epilog="Example: `liftline cancel 019ab3c4d5e6f7a8b9c0d1`")(cancel)
app.command(epilog="Example: `liftline delete 019ab3c4d5e6f7a8b9c0d1`")(delete)
app.command(epilog="Example: `liftline download 019ab3c4d5e6f7a8b9c0d1 --output-dir outputs`")(download)
app.command(epilog="Example: `liftline token lab --key-file secret.key --lifetime 30d > token`")(token)
app.command(epilog="Examples: `liftline up`, `liftline up --detectors 4 --renderers 2`")(up)
app.command(epilog="Examples: `liftline down`, `liftline down --delete-data`")(down)
app.add_typer(models_app, name="models")


def main() -> None:
    """Entry point of the console script."""
    quiet_libraries()
    app()


if __name__ == "__main__":
    main()
