"""How the bundled MoveNet weights were made: `python -m training.detectors.movenet_weights THUNDER MULTIPOSE FOLDER`.

From the models' 16-bit files (`weights/README.md` of the detector names them), convolutions' weights become 8-bit
integers, one scale per output channel; activations are quantised as they come ("dynamic range"). Everything else stays
32-bit. Needs `pip install ai-edge-quantizer==0.10.0`, which Liftline itself doesn't.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from liftline.errors import ModelError
from liftline.models.catalogue import ModelFile
from liftline_detector.movenet.model_files import MULTIPOSE, THUNDER


def main() -> int:
    """Make both files; returns 1 unless they are the bundled ones, byte for byte."""
    parser = argparse.ArgumentParser(
        prog="python -m training.detectors.movenet_weights", description=__doc__.splitlines()[0]
    )
    parser.add_argument("thunder", type=Path)
    parser.add_argument("multipose", type=Path)
    parser.add_argument("folder", type=Path, help="where to write them")
    options = parser.parse_args()
    same = [make(options.thunder, THUNDER, options.folder), make(options.multipose, MULTIPOSE, options.folder)]
    return 0 if all(same) else 1


def make(source: Path, model: ModelFile, folder: Path) -> bool:
    """Quantise one file into `folder`; whether it is the bundled one."""
    from ai_edge_quantizer import qtyping, quantizer

    with tempfile.TemporaryDirectory() as name:
        widened = Path(name) / source.name
        widened.write_bytes(with_wide_constants(source.read_bytes()))
        quantising = quantizer.Quantizer(str(widened))
        quantising.add_dynamic_config(
            regex=".*", operation_name=qtyping.TFLOperationName.CONV_2D, num_bits=8
        )  # fmt: skip
        content = bytes(quantising.quantize().quantized_model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / model.file_name).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    print(f"{folder / model.file_name}: {len(content):,} bytes, SHA-256 {sha256}")
    return sha256 == model.sha256


def with_wide_constants(content: bytes) -> bytes:
    """A tflite file whose 16-bit constants, each with an operator that widens it, are 32-bit. Raises ModelError."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    if len(model.subgraphs) != 1:
        raise ModelError(f"A model of one graph is expected, this has {len(model.subgraphs)}.")
    graph = model.subgraphs[0]
    codes = [code.builtinCode for code in model.operatorCodes]
    kept = []
    for operator in graph.operators:
        narrow = graph.tensors[operator.inputs[0]]
        data = model.buffers[narrow.buffer].data
        widens = codes[operator.opcodeIndex] == schema.BuiltinOperator.DEQUANTIZE and data is not None
        if not (widens and narrow.type == schema.TensorType.FLOAT16):
            kept.append(operator)
            continue
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float16).astype(np.float32).view(np.uint8)
        model.buffers.append(buffer)
        graph.tensors[operator.outputs[0]].buffer = len(model.buffers) - 1
    graph.operators = kept
    used = {graph.tensors[tensor].buffer for operator in kept for tensor in operator.inputs if tensor >= 0}
    for tensor in graph.tensors:
        if tensor.type == schema.TensorType.FLOAT16 and tensor.buffer not in used:
            model.buffers[tensor.buffer].data = None
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


if __name__ == "__main__":
    sys.exit(main())
