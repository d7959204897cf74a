"""The container of glTF 2.0's binary form: JSON, and arrays behind it (Khronos, glTF 2.0, section 4.4)."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOAT, _UINT8, _UINT32 = 5126, 5121, 5125
_COMPONENTS = {np.dtype(np.float32): _FLOAT, np.dtype(np.uint8): _UINT8, np.dtype(np.uint32): _UINT32}
_KINDS = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (16,): "MAT4"}
VERTICES, INDICES = 34962, 34963


class GltfFile:
    """Collects arrays and objects, then gives the file's bytes."""

    def __init__(self, generator: str) -> None:
        """An empty one that says who made it."""
        self.json: dict[str, Any] = {"asset": {"version": "2.0", "generator": generator}}
        self._binary = bytearray()

    def add(self, kind: str, value: dict[str, Any]) -> int:
        """Append to the list of that kind, such as "nodes"; gives its number."""
        self.json.setdefault(kind, []).append(value)
        return len(self.json[kind]) - 1

    def array(self, values: NDArray[Any], *, target: int | None = None, bounds: bool = False) -> int:
        """An accessor to (N,), (N,3), (N,4) or (N,16) float32, uint8 or uint32."""
        values = np.ascontiguousarray(values)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": values.nbytes}
        if target is not None:
            view["target"] = target
        self._binary += values.tobytes() + bytes(-values.nbytes % 4)
        accessor: dict[str, Any] = {
            "bufferView": self.add("bufferViews", view),
            "componentType": _COMPONENTS[values.dtype],
            "count": len(values),
            "type": _KINDS[values.shape[1:]],
        }
        if bounds:
            accessor["min"], accessor["max"] = (np.atleast_1d(one(axis=0)).tolist() for one in (values.min, values.max))
        return self.add("accessors", accessor)

    def glb(self) -> bytes:
        """The whole file."""
        content = {**self.json, "buffers": [{"byteLength": len(self._binary)}]} if self._binary else self.json
        text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        if self._binary:
            chunks += struct.pack("<II", len(self._binary), 0x004E4942) + bytes(self._binary)
        return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks
