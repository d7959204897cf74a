"""A kind of pose network that reads people in crops, and how a detector is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.errors import ModelError
from liftline.models import catalogue
from liftline.models.catalogue import ModelFile
from liftline.skeletons import Skeleton
from liftline_detector.declaration import Calibration
from liftline_detector.onnx_runtime.colours import Verdict, judge, sentence, settle
from liftline_detector.onnx_runtime.loading import Weights, model_info, network, person_finder, weights
from liftline_detector.onnx_runtime.model_files import FINDERS
from liftline_detector.onnx_runtime.network import Network, same_device
from liftline_detector.onnx_runtime.options import TopDownOptions
from liftline_detector.onnx_runtime.pictures import ColourOrder
from liftline_detector.onnx_runtime.top_down import KeypointReader, TopDownDetector


@dataclass(frozen=True)
class PoseKind:
    """What is to know of a kind of pose network.

    Attributes:
        name, title: of the detector.
        files: published networks by size.
        reader: makes a reader of a network and a colour order.
        output: of the network, its first if empty; the second axis is as long as there are `keypoints`.
        stated: the colour order that its configs tell.
        skeleton, sources: which keypoints the detector gives, and for each the network's, -1 for none.
        calibration: of the keypoints' scores.
    """

    name: str
    title: str
    files: Mapping[str, ModelFile]
    reader: Callable[[Network, ColourOrder], KeypointReader]
    output: str
    keypoints: int
    stated: ColourOrder
    skeleton: Skeleton
    sources: tuple[int, ...]
    calibration: Calibration


def load_top_down(kind: PoseKind, options: TopDownOptions, pose_size: str) -> TopDownDetector:
    """A detector of this kind, its networks on their device. Raises ModelError."""
    own = weights(kind.files[pose_size], options.pose_weights)
    found, finder = person_finder(options)
    loaded = network(own, options)
    check_keypoints(kind, loaded)
    verdict = colours(kind, own, loaded, options.pose_colours)
    return TopDownDetector(
        finder, kind.reader(loaded, verdict.order), model_info(kind.name, (own, found)),
        skeleton=kind.skeleton, sources=kind.sources, calibration=kind.calibration,
        score_threshold=options.score_threshold, placement=same_device((loaded, finder.network)),
        warnings=(verdict.warning,) if verdict.warning else (),
    )  # fmt: skip


def colours(kind: PoseKind, of: Weights, loaded: Network, chosen: str) -> Verdict:
    """The colour order to feed it: the user's, else the recorded one, else the one that the bundled picture shows."""
    if chosen in ("rgb", "bgr"):
        return Verdict("rgb" if chosen == "rgb" else "bgr", "option", {})

    def mean_score(rgb: NDArray[np.uint8], box_px: NDArray[np.float32], order: ColourOrder) -> float:
        read = kind.reader(loaded, order).read([rgb], box_px[np.newaxis])
        return float(np.nan_to_num(read.scores).mean())

    if of.model is None:
        return judge(of.name, stated=kind.stated, mean_score=mean_score)
    return settle(of.model, of.sha256, stated=kind.stated, mean_score=mean_score)


def check_keypoints(kind: PoseKind, loaded: Network) -> None:
    """Raise ModelError where the network finds another number of keypoints than its kind does."""
    output = kind.output or next(iter(loaded.outputs))
    loaded.wanted(output)
    count: Any = (*loaded.outputs[output], None)[1]
    if isinstance(count, int) and count != kind.keypoints:
        raise ModelError(
            f"{loaded.name}: finds {count} keypoints where --detector {kind.name} has {kind.keypoints}; use another "
            "file."
        )


def after_fetch(kind: PoseKind, model: ModelFile) -> tuple[str, ...]:
    """Settle a fetched network's colour order; say so, and which file is still wanted. Raises ModelError."""
    if model not in kind.files.values():
        return ()
    said = []
    try:
        own = weights(model, None)
        verdict = colours(kind, own, Network(own.content, name=own.name), "auto")
        said += [sentence(model, verdict), *([verdict.warning] if verdict.warning else [])]
    except ModelError as error:
        said.append(f"{model.name}: which colours it takes is found out at its first use ({error})")
    if not any(catalogue.path(finder).is_file() for finder in FINDERS):
        said.append(
            f"{kind.title} reads people whom another network finds: `liftline models fetch {kind.name}` gets both."
        )
    return tuple(said)
