"""Who is in a frame: YOLOX (Ge et al., 2021) and RTMDet (Lyu et al., 2022) in ONNX.

Either with suppression of repeats inside, outputs `dets` (1,N,5) and `labels`, as MMDeploy exports them; or YOLOX's raw
rows, (1,A,85), of a picture's grids at strides 8, 16 and 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from liftline.errors import ModelError
from liftline_detector.onnx_runtime.boxes import Boxes, inside, without_repeats
from liftline_detector.onnx_runtime.network import Network, Outputs
from liftline_detector.onnx_runtime.pictures import PixelFormat, letterbox

YOLOX_PIXELS = PixelFormat("bgr")
RTMDET_PIXELS = PixelFormat("bgr", mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395))
SIDE_PX = (640, 640)
LEAST_SCORE = 0.3
MOST_OVERLAP = 0.45
PERSON = 0
_STRIDES = (8, 16, 32)
_ROW = 5


class PersonFinder(Protocol):
    """Finds people in frames: `OnnxPersonFinder`, or a fake in tests."""

    def find(self, frames: Sequence[NDArray[np.uint8]], *, least_score: float) -> list[Boxes]:
        """Boxes inside each of the frames (H, W, 3), in RGB, with scores of `least_score` or more, the best first."""
        ...


class OnnxPersonFinder(PersonFinder):
    """A network that finds people."""

    def __init__(self, network: Network, pixels: PixelFormat) -> None:
        """`pixels` is what the network takes. Raises ModelError where its outputs aren't boxes."""
        self.network, self._pixels = network, pixels
        self._side_px = network.side_px(SIDE_PX)
        self._raw = "" if "dets" in network.outputs else _raw_output(network)

    def find(self, frames: Sequence[NDArray[np.uint8]], *, least_score: float) -> list[Boxes]:
        """See `PersonFinder`: frames in batches as large as the network takes."""
        found: list[Boxes] = []
        for start in range(0, len(frames), self.network.batch):
            some = frames[start : start + self.network.batch]
            fitted = [letterbox(rgb, self._side_px) for rgb in some]
            outputs = self.network.run(self._pixels.numbers(np.stack([picture for picture, _ in fitted])))
            for rgb, (_, scale), one in zip(some, fitted, outputs, strict=True):
                found.append(self._people(one, rgb, scale, least_score))
        return found

    def _people(self, outputs: Outputs, rgb: NDArray[np.uint8], scale: float, least_score: float) -> Boxes:
        boxes, scores = self._raw_people(outputs[self._raw]) if self._raw else people_of(outputs)
        sure = np.flatnonzero(scores >= least_score)
        sure = sure[without_repeats(boxes[sure], scores[sure], most_overlap=MOST_OVERLAP)]
        cut, there = inside(boxes[sure] / scale, width=rgb.shape[1], height=rgb.shape[0])
        return Boxes(cut[there], np.asarray(scores[sure][there].clip(0, 1), np.float32))

    def _raw_people(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return decode_grids(rows, self._side_px)


def people_of(outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (N,4) in the picture and scores (N,) of people among `dets` (N,5), all where there are no labels."""
    dets = outputs["dets"]
    labels = outputs.get("labels")
    people = np.ones(len(dets), np.bool_) if labels is None else labels.reshape(-1) == PERSON
    return np.asarray(dets[people, :4], np.float32), np.asarray(dets[people, 4], np.float32)


def decode_grids(
    rows: NDArray[np.float32], side_px: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (A,4) in the picture and scores (A,) of persons from YOLOX's rows (A,85), grids of finer cells first.

    A row is the middle from its cell and the logarithms of width and height, in cells; then whether anything is there,
    and of which class.
    """
    cells, sizes = _cells(side_px)
    if len(rows) != len(cells):
        raise ModelError(
            f"YOLOX: {len(rows)} rows, where a picture of {side_px[0]} x {side_px[1]} pixels has {len(cells)} cells; "
            "use a file with another input size."
        )
    middle = (rows[:, :2] + cells) * sizes
    half = np.exp(rows[:, 2:4].clip(-20, 20)) * sizes / 2
    boxes = np.concatenate([middle - half, middle + half], axis=1)
    return np.asarray(boxes, np.float32), np.asarray(rows[:, 4] * rows[:, _ROW + PERSON], np.float32)


def _cells(side_px: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    places, sizes = [], []
    for stride in _STRIDES:
        x, y = np.meshgrid(np.arange(side_px[0] // stride), np.arange(side_px[1] // stride))
        places.append(np.stack([x.ravel(), y.ravel()], axis=1))
        sizes.append(np.full((x.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _raw_output(network: Network) -> str:
    for name, shape in network.outputs.items():
        if len(shape) == 3 and isinstance(shape[-1], int) and shape[-1] > _ROW:
            return str(name)
    raise ModelError(
        f"{network.name}: finds no people: neither an output dets nor rows of YOLOX (it has "
        f"{', '.join(network.outputs)}); use another file."
    )
