"""Small networks in ONNX with the signatures of published ones, whose right answers are known: dots of pure colours.

Keypoint k is where the dot of colour k % 3 is (red, green, blue, for a network that takes RGB), on black.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
COLOURS = np.eye(3)
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    """Nodes and constants under names, one after the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, out: str = "", **attributes: object) -> str:
        name = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def content(self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]) -> bytes:
        graph = helper.make_graph(self.nodes, "net", list(inputs), list(outputs), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def value(name: str, *shape: int | str, dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, list(shape))


def _brightness(graph: Graph, source: str, mean: Sequence[float], std: Sequence[float], keypoints: int) -> str:
    """(N,K,h,w) in 0..1: how bright each keypoint's channel is, whatever was done to the pixels before."""
    undone = graph.node("Mul", source, graph.constant(np.reshape(std, (1, 3, 1, 1))))
    undone = graph.node("Add", undone, graph.constant(np.reshape(mean, (1, 3, 1, 1))))
    shares = graph.node("Div", undone, graph.constant(255.0))
    return graph.node("Gather", shares, graph.constant([k % 3 for k in range(keypoints)], np.int64), axis=1)


def simcc(keypoints: int = 26, side_px: tuple[int, int] = (192, 256), batch: int | str = "batch") -> bytes:
    """As RTMPose: the highest value along each axis, in half pixels; a score is how bright the dot is."""
    graph, (width, height) = Graph(), side_px
    bright = _brightness(graph, "input", MEAN, STD, keypoints)
    for axis, out in ((2, "simcc_x"), (3, "simcc_y")):
        row = graph.node("ReduceMax", bright, axes=[axis], keepdims=0)
        row = graph.node("Sub", row, graph.constant(0.01))
        scales = graph.constant([1, 1, 2])
        graph.node(
            "Resize", row, "", scales, out=out, mode="linear", coordinate_transformation_mode="asymmetric"
        )  # fmt: skip
    return graph.content(
        [value("input", batch, 3, height, width)],
        [value("simcc_x", batch, keypoints, 2 * width), value("simcc_y", batch, keypoints, 2 * height)],
    )


def heatmaps(keypoints: int = 17, batch: int | str = "batch") -> bytes:
    """As ViTPose: dots blurred to two pixels of maps (64,48), whose corners are the picture's."""
    graph = Graph()
    bright = _brightness(graph, "input", MEAN, STD, keypoints)
    along = np.exp(-0.5 * (np.arange(-24, 25) / 8.0) ** 2)
    blurred = graph.node("Div", bright, graph.constant(60.0))
    for shape, pads in (((1, 1, 49, 1), [24, 0] * 2), ((1, 1, 1, 49), [0, 24] * 2)):
        kernel = np.tile(along.reshape(shape), (keypoints, 1, 1, 1))
        blurred = graph.node("Conv", blurred, graph.constant(kernel), group=keypoints, pads=pads)
    sizes = graph.node(
        "Concat", graph.node("Shape", blurred, start=0, end=2), graph.constant([64, 48], np.int64), axis=0
    )
    graph.node(
        "Resize", blurred, "", "", sizes, out="heatmap", mode="linear", coordinate_transformation_mode="align_corners"
    )  # fmt: skip
    return graph.content([value("input", batch, 3, 256, 192)], [value("heatmap", batch, keypoints, 64, 48)])


def _bright_box(graph: Graph, source: str, names: tuple[str, ...]) -> str:
    """(N,1,5): the box around all that is brighter than padding, and a score; nobody's is zero."""
    brightest = graph.node("ReduceMax", source, axes=[1], keepdims=0)
    lit = graph.node("Cast", graph.node("Greater", brightest, graph.constant(150.0)), to=FLOAT)
    edges = []
    for last in (0, 1):
        for axis in (1, 2):
            row = graph.node("ReduceMax", lit, axes=[axis], keepdims=0)
            at = graph.node("ArgMax", row, axis=1, keepdims=1, select_last_index=last)
            edges.append(graph.node("Add", graph.node("Cast", at, to=FLOAT), graph.constant(float(last))))
    any_lit = graph.node("ReduceMax", lit, axes=[1, 2], keepdims=0)
    score = graph.node("Unsqueeze", graph.node("Mul", any_lit, graph.constant(0.9)), graph.constant([1], np.int64))
    row = graph.node("Concat", *edges, score, axis=1)
    return graph.node("Unsqueeze", row, graph.constant([1], np.int64), out=names[0])


def finder(side_px: tuple[int, int] = (640, 640), batch: int | str = "batch") -> bytes:
    """As YOLOX or RTMDet with suppression inside: one person, where the picture is bright."""
    graph = Graph()
    dets = _bright_box(graph, "input", ("dets",))
    zeros = graph.node("Mul", dets, graph.constant(0.0))
    graph.node("Cast", graph.node("ReduceMax", zeros, axes=[2], keepdims=0), out="labels", to=INT64)
    return graph.content(
        [value("input", batch, 3, side_px[1], side_px[0])],
        [value("dets", batch, "people", 5), value("labels", batch, "people", dtype=INT64)],
    )


def grids(rows: NDArray[np.float32], side_px: tuple[int, int] = (64, 64)) -> bytes:
    """As YOLOX without: rows (A,85) whatever the picture."""
    graph = Graph()
    nothing = graph.node("Mul", graph.node("ReduceMax", "input", axes=[1, 2, 3], keepdims=0), graph.constant(0.0))
    nothing = graph.node("Unsqueeze", nothing, graph.constant([1, 2], np.int64))
    graph.node("Add", graph.constant(rows[None]), nothing, out="output")
    return graph.content([value("input", 1, 3, *side_px[::-1])], [value("output", 1, *rows.shape)])


def rtmo(side_px: tuple[int, int] = (640, 640), batch: int | str = "batch") -> bytes:
    """As RTMO: one person, where the picture is bright, with keypoints at its dots. Keypoint 0 is blue."""
    graph = Graph()
    _bright_box(graph, "input", ("dets",))
    bright = _brightness(graph, "input", (0, 0, 0), (1, 1, 1), 17)
    columns = []
    for axis in (2, 3):
        row = graph.node("ReduceMax", bright, axes=[axis], keepdims=0)
        columns.append(graph.node("Cast", graph.node("ArgMax", row, axis=2, keepdims=1), to=FLOAT))
    columns.append(
        graph.node("Unsqueeze", graph.node("ReduceMax", bright, axes=[2, 3], keepdims=0), graph.constant([2], np.int64))
    )
    joined = graph.node("Concat", *columns, axis=2)
    graph.node("Unsqueeze", joined, graph.constant([1], np.int64), out="keypoints")
    return graph.content(
        [value("input", batch, 3, side_px[1], side_px[0])],
        [value("dets", batch, "people", 5), value("keypoints", batch, "people", 17, 3)],
    )


def painted(
    dots_px: NDArray[np.floating], *, width: int = 320, height: int = 240, spread_px: float = 2.5,
    colours: NDArray[np.floating] = COLOURS,
) -> NDArray[np.uint8]:  # fmt: skip
    """A black frame (H, W, 3) in RGB with round, soft dots (N,2) of these colours (N,3)."""
    y, x = np.mgrid[:height, :width]
    frame = np.zeros((height, width, 3))
    for (at_x, at_y), colour in zip(dots_px, colours, strict=False):
        bump = np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * spread_px**2))
        frame += 255 * bump[..., None] * colour
    return frame.clip(0, 255).astype(np.uint8)
