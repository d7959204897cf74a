"""`liftline detect`, `lift` and `render`: one step each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liftline_cli.console.session import closing, session
from liftline_cli.options.common import (
    AsJson,
    Causal,
    Checkpoint,
    Device,
    OutputDir,
    Overwrite,
    Subject,
    Verbose,
    check_causal,
)
from liftline_cli.options.detector import ChosenDetector, with_detector
from liftline_cli.options.job import EXPORT, LIFT, RENDER, Chosen, with_job


@with_detector
@with_job("max_people")
def detect(
    video: Annotated[Path, typer.Argument(help="Any video libav can read.", show_default=False)],
    finding: ChosenDetector,
    chosen: Chosen,
    output_dir: OutputDir = Path("outputs"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find and track people only: fills `detectron_output/` and `custom_data/`."""
    with session(as_json=as_json, verbose=verbose) as current:
        from liftline import tracks as tracks_file
        from liftline.files.output_tree import OutputTree
        from liftline.jobs.naming import Stage
        from liftline_cli.local.process import ProcessSettings, run_stages, shown_files

        settings = ProcessSettings(
            job=chosen.job(),
            detector=finding.name,
            detector_options=finding.options(),
            overwrite=overwrite,
        )
        run = run_stages(
            video, output_dir, settings=settings, reporter=current.reporter, stop=current.stop, until=Stage.TRACK
        )
        people = len(tracks_file.load(output_dir / OutputTree(video.name).tracks))
        closing(current, {"frames": run.record.frame_count, "people": people}, shown_files(video, output_dir))


@with_job(*LIFT, *EXPORT)
def lift(
    keypoints: Annotated[
        Path,
        typer.Argument(
            metavar="KEYPOINTS.npz",
            help="Tracks, a VideoPose3D custom dataset, or Detectron's file.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Poses file to write (.npz).")],
    chosen: Chosen,
    subject: Subject = None,
    checkpoint: Checkpoint = None,
    causal: Causal = False,
    fps: Annotated[float | None, typer.Option(min=0.1, help="Frame rate of a dataset that has no times.")] = None,
    video: Annotated[Path | None, typer.Option(help="The video a dataset without times was made from.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Lift 2D keypoints to 3D: our tracks, any VideoPose3D custom dataset, or any Detectron `<video>.npz`."""
    with session(as_json=as_json, verbose=verbose) as current:
        from liftline.models.devices import resolve_device
        from liftline_cli.local.process import ProcessSettings
        from liftline_cli.local.single_steps import lift_file

        check_causal(causal=causal, checkpoint=checkpoint)
        settings = ProcessSettings(
            job=chosen.job(), checkpoint=checkpoint, causal=causal, device=str(resolve_device(device))
        )
        summary, files = lift_file(
            keypoints,
            output,
            settings=settings,
            subject=subject,
            fps=fps,
            video=video,
            reporter=current.reporter,
            stop=current.stop,
        )
        closing(current, summary, files)


@with_job(*RENDER)
def render(
    video: Annotated[Path, typer.Argument(help="The video the poses were made from.", show_default=False)],
    poses: Annotated[Path, typer.Argument(metavar="POSES.npz", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Video to write: .mp4 or .gif.")],
    chosen: Chosen,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Draw 3D poses over their video, beside a 3D view."""
    with session(as_json=as_json, verbose=verbose) as current:
        from liftline_cli.local.process import ProcessSettings
        from liftline_cli.local.single_steps import render_file

        summary, files = render_file(
            video,
            poses,
            output,
            settings=ProcessSettings(job=chosen.job()),
            reporter=current.reporter,
            stop=current.stop,
        )
        closing(current, summary, files)
