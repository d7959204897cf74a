"""A TensorFlow Lite model on LiteRT, behind the few calls we need.

`invoke()` releases the GIL, so sessions in several threads run side by side; an interpreter itself belongs to one
thread at a time, so every session owns its own.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from liftline.errors import ModelError

_DELEGATE_NOTICE = b"INFO: Created TensorFlow Lite XNNPACK delegate"
_STDERR = threading.Lock()


class Network:
    """One interpreter with one image input and several outputs."""

    def __init__(
        self, content: bytes, *, name: str, side_px: int, outputs: Sequence[tuple[int, ...]], threads: int
    ) -> None:
        """Load a model with a (1, side_px, side_px, 3) input and these output shapes. Raises ModelError."""
        try:
            with _without_delegate_notice():
                self._interpreter = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{name}: LiteRT can't load it ({error}); run `liftline models fetch`.") from error
        inputs, results = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        have = [tuple(int(n) for n in r["shape"]) for r in results]
        if tuple(inputs[0]["shape"]) != (1, side_px, side_px, 3) or have != list(outputs):
            raise ModelError(f"{name}: not the expected model (outputs {have}); run `liftline models fetch`.")
        self._input, self._dtype = int(inputs[0]["index"]), inputs[0]["dtype"]
        self._outputs = [int(r["index"]) for r in results]

    def __call__(self, image: NDArray[np.generic], wanted: Sequence[int]) -> list[NDArray[np.float32]]:
        """Run on one (side, side, 3) image; copies of the `wanted` outputs, without the batch axis."""
        self._interpreter.set_tensor(self._input, image[np.newaxis].astype(self._dtype, copy=False))
        self._interpreter.invoke()
        return [np.asarray(self._interpreter.get_tensor(self._outputs[i])[0], np.float32) for i in wanted]


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function, without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))), np.float32)


@contextmanager
def _without_delegate_notice() -> Iterator[None]:
    """Hold back what LiteRT writes to stderr, then pass on all but its notice, which no log level silences."""
    with _STDERR, tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            held.seek(0)
            os.write(stderr, b"".join(line for line in held if not line.startswith(_DELEGATE_NOTICE)))
            os.close(stderr)
