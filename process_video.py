"""The original script's command line: Detectron2 keypoints, VideoPose3D lifting, a rendered video.

A thin call of `liftline process` with the original's arguments, defaults and output tree. Where the original's models
can't run here, it says what it uses instead.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from liftline.errors import LiftlineError, ModelError
from liftline.settings import load_settings
from liftline_cli.interrupts import stop_on_interrupt
from liftline_cli.process import ProcessSettings, process_video
from liftline_cli.reporting import ConsoleReporter, Reporter
from liftline_cli.telemetry import configure_logging

DEFAULT_CONFIG = "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml"
DEFAULT_CHECKPOINT = "pretrained_h36m_detectron_coco.bin"


def main() -> int:
    """Run the whole pipeline; gives the exit code."""
    arguments = _parser().parse_args()
    configure_logging(verbose=False)
    console = Console(stderr=True)
    reporter = ConsoleReporter(console)
    try:
        reporter.say(
            f"--detectron-cfg {arguments.detectron_cfg}: this version has no Detectron2 backend; using BlazePose."
        )
        settings = ProcessSettings.for_machine(load_settings(), checkpoint=_checkpoint(arguments.checkpoint, reporter))
        with stop_on_interrupt(console) as stop:
            video, output_dir = Path(arguments.input_video), Path(arguments.output_dir)
            result = process_video(video, output_dir, settings=settings, reporter=reporter, stop=stop)
    except LiftlineError as error:
        console.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return int(error.exit_code)
    console.print(f"Done. Output video: {result.files['video']}", highlight=False, soft_wrap=True)
    return 0


def _checkpoint(name: str, reporter: Reporter) -> Path | None:
    path = Path(name)
    if path.exists():
        return path
    if name != DEFAULT_CHECKPOINT:
        raise ModelError(f"{name}: no such checkpoint; give the path of VideoPose3D's {DEFAULT_CHECKPOINT}.")
    reporter.say(f"--checkpoint {name}: not here; using Liftline's bundled lifter.")
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input_video", help="path of the video")
    parser.add_argument("--output-dir", default="outputs", help="folder for the results (default: %(default)s)")
    parser.add_argument("--detectron-cfg", default=DEFAULT_CONFIG, help="Detectron2 config (default: %(default)s)")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="lifter weights (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
