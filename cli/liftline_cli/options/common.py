"""The options commands share, as types, and what they mean together."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liftline.errors import UsageError

if TYPE_CHECKING:
    from liftline_detector.options import DetectorOptions


class DetectorName(StrEnum):
    """Who finds people and their 2D keypoints."""

    AUTO = "auto"
    BLAZEPOSE = "blazepose"
    DETECTRON2 = "detectron2"


class Precision(StrEnum):
    """Of Detectron2's arithmetic."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


FINDING, LIFTING, RENDERING = "Finding people", "Lifting to 3D", "Rendering"
_MACHINE, OUTPUT = "Machine", "Output"

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

Detector = Annotated[
    DetectorName,
    typer.Option(
        "--detector",
        help="auto is Detectron2 where it, its weights and a CUDA device are there, else BlazePose.",
        rich_help_panel=FINDING,
    ),
]
DetectronCfg = Annotated[
    str | None,
    typer.Option(
        "--detectron-cfg",
        metavar="NAME|FILE.yaml",
        help="Detectron2: a COCO-Keypoints config. [default: keypoint_rcnn_R_101_FPN_3x]",
        show_default=False,
        rich_help_panel=FINDING,
    ),
]
DetectronWeights = Annotated[
    Path | None,
    typer.Option(
        "--detectron-weights",
        metavar="FILE.pkl|FILE.pth",
        help="Detectron2: weights. [default: the config's own]",
        show_default=False,
        rich_help_panel=FINDING,
    ),
]
ScoreThreshold = Annotated[
    float | None,
    typer.Option(
        "--score-threshold",
        min=0.0,
        max=1.0,
        help="Detectron2: people below it aren't reported. [default: 0.7]",
        show_default=False,
        rich_help_panel=FINDING,
    ),
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option(
        "--precision",
        help="Detectron2: arithmetic; the half ones move keypoints a little. [default: fp32]",
        show_default=False,
        rich_help_panel=FINDING,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda:N",
        help="Where Detectron2 and the lifter run; auto is CUDA if there is any.",
        rich_help_panel=_MACHINE,
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


def detector_options(
    detector: DetectorName, *, device: str, config: str | None, weights: Path | None, score_threshold: float | None,
    precision: Precision | None,
) -> DetectorOptions:  # fmt: skip
    """The detector's options, None standing for the default. Raises UsageError where they contradict the detector."""
    from liftline.models.devices import check_device_name
    from liftline_detector.options import DetectorOptions

    chosen: dict[str, Any] = {
        "config": config,
        "weights": weights,
        "score_threshold": score_threshold,
        "precision": precision,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if given and detector is not DetectorName.DETECTRON2:
        raise UsageError(
            f"{_written(given)}: only Detectron2 knows it, and --detector is {detector.value}; "
            "use --detector detectron2 or leave it out."
        )
    check_device_name(device)
    return DetectorOptions(device=device, **given)


def _written(names: Iterable[str]) -> str:
    flags = {"config": "--detectron-cfg", "weights": "--detectron-weights", "score_threshold": "--score-threshold"}
    return ", ".join(flags.get(name, f"--{name}") for name in names)


def check_causal(*, causal: bool, checkpoint: Path | None) -> None:
    """Raise UsageError where --causal is said of the bundled weights, which know themselves what they are."""
    if causal and checkpoint is None:
        raise UsageError("--causal: says how a VideoPose3D checkpoint was trained; give it with --checkpoint.")
