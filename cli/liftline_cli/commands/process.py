"""`liftline process`: everything, for one video or all videos below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from liftline_cli.console.session import Session, closing, focal_length, print_json, session
from liftline_cli.options.common import (
    AsJson,
    Causal,
    Checkpoint,
    OutputDir,
    Overwrite,
    Verbose,
    check_causal,
)
from liftline_cli.options.detector import ChosenDetector, with_detector
from liftline_cli.options.job import EXPORT, LIFT, RENDER, Chosen, with_job

if TYPE_CHECKING:
    from liftline_cli.local.process import ProcessResult, ProcessSettings


@with_detector
@with_job("max_people", *LIFT, *RENDER, *EXPORT)
def process(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO|FOLDER", help="Any video libav can read, or a folder.", show_default=False)
    ],
    finding: ChosenDetector,
    chosen: Chosen,
    output_dir: OutputDir = Path("outputs"),
    checkpoint: Checkpoint = None,
    causal: Causal = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run everything: find people, lift them to 3D, render the video.

    Of a folder, every video in it and its subfolders is processed into OUTPUT_DIR/path/of/video.mp4/. A video that
    fails doesn't stop the others; a table, and OUTPUT_DIR/summary.json, tell what became of each. The exit code is then
    0 if all are done, 1 if some failed, 2 or 4 if none can be done as asked, 130 if stopped.
    """
    with session(as_json=as_json, verbose=verbose) as current:
        from liftline.models.devices import resolve_device, torch_device_name
        from liftline_cli.local.process import ProcessSettings, process_video

        check_causal(causal=causal, checkpoint=checkpoint)
        settings = ProcessSettings(
            job=chosen.job(),
            detector=finding.name,
            detector_options=finding.options(),
            device=str(resolve_device(torch_device_name(finding.device))),
            checkpoint=checkpoint,
            causal=causal,
            overwrite=overwrite,
        )
        if video.is_dir():
            _process_folder(current, video, output_dir, settings)
        result = process_video(video, output_dir, settings=settings, reporter=current.reporter, stop=current.stop)
        closing(current, _summary(result), result.files)


def _process_folder(current: Session, folder: Path, output_dir: Path, settings: ProcessSettings) -> NoReturn:
    from liftline_cli.batch.run import process_folder, show

    summary = process_folder(
        folder, output_dir, settings=settings, reporter=current.reporter, stop=current.stop, verbose=current.verbose
    )
    if current.as_json:
        print_json(summary.to_json())
    else:
        show(summary, current.reporter.console)
    raise typer.Exit(summary.exit_code)


def _summary(result: ProcessResult) -> dict[str, Any]:
    return {
        "frames": result.frame_count,
        "people": len(result.poses),
        "focal_length": focal_length(result.scene),
        "models": [{"name": m.name, "sha256": m.sha256, "licence": m.licence} for m in result.models],
        "frames_per_second": round(result.frame_count / result.seconds, 1),
        "manifest": str(result.manifest),
    }
