"""`liftline process`: everything, for one video or all videos below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from liftline_cli.console.session import Session, closing, focal_length, print_json, session
from liftline_cli.options.common import (
    AsJson,
    Causal,
    Checkpoint,
    Detector,
    DetectorName,
    DetectronCfg,
    DetectronWeights,
    Device,
    ExportFormats,
    Layout,
    LayoutOption,
    MaxPeople,
    OutputDir,
    Overwrite,
    PrecisionOption,
    ScoreThreshold,
    Verbose,
    check_causal,
    detector_options,
)
from liftline_cli.options.lifting import Lifting, with_lifting

if TYPE_CHECKING:
    from liftline_cli.local.process import ProcessResult, ProcessSettings


@with_lifting
def process(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO|FOLDER", help="Any video libav can read, or a folder.", show_default=False)
    ],
    lifting: Lifting,
    output_dir: OutputDir = Path("outputs"),
    detector: Detector = DetectorName.AUTO,
    max_people: MaxPeople = None,
    detectron_cfg: DetectronCfg = None,
    detectron_weights: DetectronWeights = None,
    score_threshold: ScoreThreshold = None,
    precision: PrecisionOption = None,
    checkpoint: Checkpoint = None,
    causal: Causal = False,
    layout: LayoutOption = Layout.SIDE_BY_SIDE,
    device: Device = "auto",
    export: ExportFormats = "",
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
        from liftline.exports import parse_formats
        from liftline.models.devices import resolve_device
        from liftline.settings.job import ExportFormat, JobSettings
        from liftline_cli.local.process import ProcessSettings, process_video

        check_causal(causal=causal, checkpoint=checkpoint)
        settings = ProcessSettings(
            job=JobSettings(
                **lifting.choices(),
                max_people=max_people,
                layout=layout.value,
                export=cast("tuple[ExportFormat, ...]", parse_formats(export)),
            ),
            detector=detector.value,
            detector_options=detector_options(
                detector,
                device=device,
                config=detectron_cfg,
                weights=detectron_weights,
                score_threshold=score_threshold,
                precision=precision,
            ),
            checkpoint=checkpoint,
            causal=causal,
            device=str(resolve_device(device)),
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
