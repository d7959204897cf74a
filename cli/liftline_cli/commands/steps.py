"""`liftline detect`, `lift` and `render`: one step each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liftline.settings.machine import load_settings
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
from liftline_cli.options.job import LIFT, Chosen, with_job


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
        from liftline_cli.local.process import ProcessSettings, detect_video

        settings = ProcessSettings.for_machine(
            load_settings(),
            detector=finding.name,
            detector_options=finding.options(),
            job=chosen.job(),
            overwrite=overwrite,
        )
        plan, tracks, files = detect_video(
            video, output_dir, settings=settings, reporter=current.reporter, stop=current.stop
        )
        closing(current, {"frames": plan.frame_count, "people": len(tracks)}, files)


@with_job(*LIFT, "export")
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
        from liftline.settings.job import of_job
        from liftline_cli.local.single_steps import LiftSettings, TrackSettings, lift_file

        check_causal(causal=causal, checkpoint=checkpoint)
        job = chosen.job()
        summary, files = lift_file(
            keypoints,
            output,
            checkpoint=checkpoint,
            causal=causal,
            subject=subject,
            track=TrackSettings(max_tracks=load_settings().max_tracks),
            settings=of_job(LiftSettings, job, device=str(resolve_device(device))),
            fps=fps,
            video=video,
            formats=job.export,
            reporter=current.reporter,
            stop=current.stop,
        )
        closing(current, summary, files)


@with_job("layout")
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
        from liftline.settings.job import of_job
        from liftline_cli.local.single_steps import RenderSettings, render_file

        summary, files = render_file(
            video,
            poses,
            output,
            settings=of_job(RenderSettings, chosen.job()),
            reporter=current.reporter,
            stop=current.stop,
        )
        closing(current, summary, files)
