"""Which colour order a pose network's file wants: what MMDeploy wrote beside it, else what a picture of somebody shows.

Published ONNX files and their users contradict each other (rtmlib feeds BGR where the configs say RGB). So one bundled
picture is read in both orders; the one with the higher mean score is right. It is kept beside the file's SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.errors import LiftlineError, OutputError
from liftline.files.atomic import write_bytes
from liftline.models import catalogue
from liftline.models.catalogue import ModelFile
from liftline_detector.onnx_runtime.model_files import PIPELINE
from liftline_detector.onnx_runtime.pictures import ColourOrder

RECORD = "colours.json"
PICTURE = Path(__file__).parent / "golden" / "astronaut.jpg"
PICTURE_BOX_PX = (11.0, 8.0, 208.0, 287.0)
CLEAR = 0.02
"""Mean scores that differ by less than this share tell nothing."""
_SCHEMA_VERSION = 1

MeanScore = Callable[[NDArray[np.uint8], NDArray[np.float32], ColourOrder], float]
"""Mean keypoint score of whoever is in a box (4,) of a frame (H, W, 3), fed in that colour order."""


@dataclass(frozen=True)
class Verdict:
    """A file's colour order, how it was found ("picture" or "config"), and the picture's mean scores.

    `warning` is a sentence where the file contradicts what was said of it.
    """

    order: ColourOrder
    by: str
    scores: Mapping[str, float]
    warning: str = ""


def settle(model: ModelFile, sha256: str, *, stated: ColourOrder, mean_score: MeanScore) -> Verdict:
    """The colour order of a file of the catalogue with this hash: the recorded one, else found now and recorded."""
    where = catalogue.companion_path(model, RECORD)
    if (known := _recorded(where, sha256)) is not None:
        return known
    verdict = judge(model.name, stated=pipeline_order(model) or stated, mean_score=mean_score)
    try:
        write_bytes(where, json.dumps(_record(verdict, sha256), indent=2).encode())
    except OutputError:
        return verdict  # a read-only folder: it is found anew by the next process, and is the same then
    return verdict


def judge(name: str, *, stated: ColourOrder, mean_score: MeanScore) -> Verdict:
    """What the bundled picture shows; where that isn't clear, what is stated holds."""
    rgb, box = golden_picture()
    scores: dict[str, float] = {order: mean_score(rgb, box, order) for order in get_args(ColourOrder)}
    best: ColourOrder = "rgb" if scores["rgb"] >= scores["bgr"] else "bgr"
    if abs(scores["rgb"] - scores["bgr"]) <= CLEAR * max(scores.values()):
        return Verdict(stated, "config", scores)
    warning = ""
    if best != stated:
        warning = (
            f"{name}: is said to take {stated.upper()}, but reads the bundled picture better as {best.upper()} "
            f"(mean score {scores[best]:.2f}, not {scores[stated]:.2f}), which is used; --pose-colours {stated} "
            "forces the other."
        )
    return Verdict(best, "picture", scores, warning)


def golden_picture() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The bundled picture (H, W, 3) in RGB, and the box (4,) around the person in it. Raises LiftlineError."""
    bgr = cv2.imread(str(PICTURE))
    if bgr is None:
        raise LiftlineError(f"{PICTURE}: can't be read; run `pip install --force-reinstall liftline`.")
    return np.ascontiguousarray(bgr[..., ::-1]), np.array(PICTURE_BOX_PX, np.float32)


def pipeline_order(model: ModelFile) -> ColourOrder | None:
    """What MMDeploy's pipeline beside a file says of colours, None where there is none that does."""
    try:
        content = json.loads(catalogue.companion_path(model, PIPELINE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    steps = list(_steps(content))
    flags = [
        step["to_rgb"] for step in steps if step.get("type") == "Normalize" and isinstance(step.get("to_rgb"), bool)
    ]
    return None if len(set(flags)) != 1 else "rgb" if flags[0] else "bgr"


def _steps(content: Any) -> list[Mapping[str, Any]]:
    """Every object in a JSON document, however deep."""
    found, waiting = list[Mapping[str, Any]](), [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found.append(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def _record(verdict: Verdict, sha256: str) -> dict[str, Any]:
    scores = {order: round(score, 4) for order, score in verdict.scores.items()}
    own = {"order": verdict.order, "by": verdict.by, "scores": scores, "warning": verdict.warning}
    return {"schema_version": _SCHEMA_VERSION, "sha256": sha256, **own}


def _recorded(where: Path, sha256: str) -> Verdict | None:
    """What was recorded of the file with this hash; None for another file, another version, and a damaged record."""
    try:
        content = json.loads(where.read_bytes())
        if (content["schema_version"], content["sha256"]) != (_SCHEMA_VERSION, sha256):
            return None
        order, warning = content["order"], str(content["warning"])
        scores = {str(name): float(score) for name, score in content["scores"].items()}
        by = str(content["by"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Verdict(order, by, scores, warning) if order in ("rgb", "bgr") else None


def sentence(model: ModelFile, verdict: Verdict) -> str:
    """What a user is told of a file that was just fetched."""
    shown = ", ".join(f"{order.upper()} {score:.2f}" for order, score in verdict.scores.items())
    ways = {"picture": "as the bundled picture shows", "config": "as its config says; the bundled picture doesn't tell"}
    return f"{model.name}: takes colours as {verdict.order.upper()}, {ways[verdict.by]} (mean scores: {shown})."
