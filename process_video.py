"""The original script's command line: Detectron2 keypoints, VideoPose3D lifting, a rendered video.

Its arguments, defaults and output folders, run by Liftline. Where the original's models can't run, it says what is used
instead. What is the same and what differs: docs/process_video.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from liftline.errors import LiftlineError
from liftline.video.opening import local_opener
from liftline_cli.console.interrupts import stop_on_interrupt
from liftline_cli.console.logging import configure_logging, quiet_libraries
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import ProcessResult, process_video
from liftline_cli.original import DEFAULT_CHECKPOINT, original_settings
from liftline_detector.keypoint_rcnn.entry import DEFAULT_CONFIG


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the whole pipeline; gives the exit code."""
    options = _parser().parse_args(arguments)
    configure_logging(verbose=False)
    quiet_libraries()
    console = Console(stderr=True)
    try:
        with stop_on_interrupt(console) as stop:
            local_opener(options.input_video)
            reporter = ConsoleReporter(console)
            settings = original_settings(
                options.detectron_cfg,
                options.checkpoint,
                script_dir=Path(__file__).resolve().parent,
                reporter=reporter,
                console=console,
            )
            result = process_video(
                options.input_video, options.output_dir, settings=settings, reporter=reporter, stop=stop
            )
    except LiftlineError as error:
        console.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return int(error.exit_code)
    console.print(_closing_lines(result), markup=False, highlight=False, soft_wrap=True)
    return 0


def _closing_lines(result: ProcessResult) -> str:
    models = ", ".join(f"{model.name} ({model.licence})" for model in result.models)
    return f"Models: {models}\nDone. Output video: {result.files['video']}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input_video", type=Path, help="path of the video")
    parser.add_argument("--output-dir", type=Path, default="outputs", help="folder for the results (default: outputs)")
    parser.add_argument("--detectron-cfg", default=DEFAULT_CONFIG, help="Detectron2 config (default: %(default)s)")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="lifter weights (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
