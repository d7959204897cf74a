"""The options commands share, as types, and what they mean together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liftline.errors import UsageError

FINDING, LIFTING, RENDERING = "Finding people", "Lifting to 3D", "Rendering"
MACHINE, OUTPUT = "Machine", "Output"

OutputDir = Annotated[Path, typer.Option("--output-dir", "-o", help="Folder for the results.", rich_help_panel=OUTPUT)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Run every step again, even if nothing changed.", rich_help_panel=OUTPUT)
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object for scripts; no progress bars.", rich_help_panel=OUTPUT),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log what happens inside, to stderr.", rich_help_panel=OUTPUT)
]

Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda:N",
        help="Where it is lifted; auto is CUDA if there is any.",
        rich_help_panel=MACHINE,
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Lifter weights: ours or VideoPose3D's .bin. [default: bundled]",
        show_default=False,
        rich_help_panel=LIFTING,
    ),
]
Causal = Annotated[
    bool,
    typer.Option("--causal", help="The VideoPose3D checkpoint was trained with its --causal.", rich_help_panel=LIFTING),
]
Subject = Annotated[
    str | None,
    typer.Option(
        "--subject",
        metavar="NAME",
        help="Of a custom dataset: one video, or one person in it, as clip.mp4#2. [default: the only video]",
        show_default=False,
    ),
]


def check_causal(*, causal: bool, checkpoint: Path | None) -> None:
    """Raise UsageError where --causal is said of the bundled weights, which know themselves what they are."""
    if causal and checkpoint is None:
        raise UsageError("--causal: says how a VideoPose3D checkpoint was trained; give it with --checkpoint.")
