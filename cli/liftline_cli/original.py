"""The original script's choices, `process_video.py`: Detectron2 and VideoPose3D where they can run here.

Where they can't, it is said what is used instead. Documented in `docs/process_video.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from liftline.errors import LiftlineError, ModelError
from liftline.models import catalogue as models
from liftline.models.devices import resolve_device
from liftline.settings.job import JobSettings, of_job
from liftline_cli.commands.models import fetch_missing
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process_settings import ProcessSettings
from liftline_detector.blazepose.entry import DETECTOR as BLAZEPOSE
from liftline_detector.keypoint_rcnn.entry import DETECTOR as DETECTRON2
from liftline_detector.keypoint_rcnn.entry import is_ready
from liftline_detector.keypoint_rcnn.model_zoo import weights_of
from liftline_detector.keypoint_rcnn.options import INSTALL, KeypointRcnnOptions, is_installed
from liftline_detector.registry import find_detector
from liftline_lifter.lifting.lift import UNREFINED

DEFAULT_CHECKPOINT = "pretrained_h36m_detectron_coco.bin"
OWN_SUFFIX = ".safetensors"
"""Of Liftline's checkpoints; every other one is taken for VideoPose3D's."""


def original_settings(
    config: str, checkpoint: str, *, script_dir: Path, reporter: ConsoleReporter, console: Console
) -> ProcessSettings:
    """What the original script would do with these arguments, as far as it can be done here.

    Raises ModelError for a checkpoint that was named and isn't there.
    """
    weights = find_checkpoint(checkpoint, (Path(), script_dir, models.models_dir()), reporter)
    options = KeypointRcnnOptions(config=config)
    detector = choose_detector(options, reporter, console)
    return ProcessSettings(
        detector=detector,
        detector_options=find_detector(detector).chosen(vars(options)),
        checkpoint=weights,
        job=original_job(weights),
        device=str(resolve_device("auto")),
    )


def choose_detector(options: KeypointRcnnOptions, reporter: ConsoleReporter, console: Console) -> str:
    """Detectron2 wherever it is installed, its weights fetched if need be; else BlazePose, and why."""
    if not is_installed():
        reporter.say(
            f"--detectron-cfg {options.config}: Detectron2 isn't installed here, so BlazePose finds the people "
            f"({INSTALL.split(',')[0]} for Detectron2)."
        )
        return BLAZEPOSE.name
    zoo = weights_of(options.config)
    if zoo is not None and not is_ready(options):
        try:
            fetch_missing([zoo], console, quiet=False)
        except LiftlineError as error:
            reporter.say(f"--detectron-cfg {options.config}: {error}\nBlazePose finds the people instead.")
            return BLAZEPOSE.name
    if resolve_device(options.device).type == "cpu":
        reporter.say("Detectron2 runs on the CPU here, which is slow; `liftline process` takes BlazePose there.")
    return DETECTRON2.name


def find_checkpoint(name: str, folders: Sequence[Path], reporter: ConsoleReporter) -> Path | None:
    """The lifter's weights: as named, else the default one in the first of these folders; None for the bundled ones.

    Raises ModelError where another than the default is named and isn't there.
    """
    if name != DEFAULT_CHECKPOINT:
        if not Path(name).is_file():
            raise ModelError(f"{name}: no such checkpoint; give the path of VideoPose3D's {DEFAULT_CHECKPOINT}.")
        return Path(name)
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    reporter.say(
        f"--checkpoint {name}: found neither here nor in {folders[-1]}, so Liftline's bundled lifter is used "
        f"(`{models.fetch_command(models.VIDEOPOSE3D)}` gets it, {models.VIDEOPOSE3D.licence})."
    )
    return None


def original_job(checkpoint: Path | None) -> JobSettings:
    """As VideoPose3D's run.py lifts: every frame as it is, nothing smoothed. Liftline's own weights as ever."""
    if checkpoint is None or checkpoint.suffix == OWN_SUFFIX:
        return JobSettings()
    return of_job(JobSettings, UNREFINED, native_rate=True)
