"""Files around hostile pickles, and files that are hostile by themselves."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.integration.hostile.programs import programs

TORCH_MAGIC, TORCH_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@dataclass(frozen=True)
class Hostile:
    """A file, and which of our readers could meet it."""

    kind: str
    content: bytes
    readers: tuple[str, ...]


def hostile_files(canary: Path) -> Iterator[Hostile]:
    """Every kind in every form."""
    all_programs = programs(canary)
    for kind, program in all_programs.items():
        yield from _forms(kind, program)
    program = all_programs["os.system, protocol 2"]
    yield Hostile("tar", tar({"storages": program, "tensors": program, "pickle": program}), ("checkpoint",))
    objects_in_ours = npz({"artifact": objects(program), "schema_version": objects(program)})
    yield Hostile("objects in our own artifact", objects_in_ours, ("keypoints",))
    for kind, content in _npz_files():
        yield Hostile(kind, content, ("keypoints",))
    for kind, content in _torch_files(program):
        yield Hostile(kind, content, ("checkpoint",))


def _forms(kind: str, program: bytes) -> Iterator[Hostile]:
    """The same pickle wherever one of our readers could meet it."""
    size = objects(pickle.dumps({"w": 1, "h": 1}, 2))
    dataset = {"positions_2d": objects(program), "metadata": size}
    detectron = {"boxes": objects(program), "keypoints": objects(program), "metadata": size}
    yield Hostile(f"{kind} [pickle]", program, ("pickle",))
    yield Hostile(f"{kind} [custom dataset]", npz(dataset), ("npz", "keypoints"))
    yield Hostile(f"{kind} [Detectron file]", npz(detectron), ("keypoints",))
    yield Hostile(f"{kind} [torch]", torch_zip(program), ("checkpoint",))
    yield Hostile(f"{kind} [torch, legacy]", torch_legacy(program), ("checkpoint",))


def npz(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def header(text: str) -> bytes:
    """Of an `.npy` file, saying what one likes."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode("latin1") + b"\n"


def objects(program: bytes) -> bytes:
    return header("{'descr': '|O', 'fortran_order': False, 'shape': (), }") + program


def torch_zip(program: bytes, **entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {"data.pkl": program, "version": b"3\n", "data/0": bytes(16), **entries}.items():
            archive.writestr(f"archive/{name}", content)
    return stream.getvalue()


def torch_legacy(program: bytes) -> bytes:
    first = (TORCH_MAGIC, TORCH_PROTOCOL, {"protocol_version": TORCH_PROTOCOL, "little_endian": True})
    return b"".join(pickle.dumps(value, 2) for value in first) + program + pickle.dumps(["0"], 2) + bytes(24)


def tar(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _npz_files() -> Iterator[tuple[str, bytes]]:
    numbers = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
    zeros = header(numbers % "(12500000,)") + bytes(100_000_000)
    for name in ("positions_2d", "boxes", "artifact"):
        others = {"metadata": b"", "keypoints": b""}
        yield f"zip bomb: {name}", npz({name: zeros, **others})
        yield f"a shape of terabytes: {name}", npz({name: header(numbers % "(1099511627776,)"), **others})
        yield f"a shape of nothing: {name}", npz({name: header(numbers % "(0, 4611686018427387904, 8)"), **others})
        yield f"a header of brackets: {name}", npz({name: header("(" * 9000), **others})
        yield f"a header that is a program: {name}", npz({name: header("__import__('os').abort()"), **others})
        yield f"bzip2: {name}", npz({name: bytes(100_000_000), **others}, zipfile.ZIP_BZIP2)
        yield f"more than it says: {name}", _smaller_than_it_is(npz({name: bytes(100_000_000), **others}))
        yield f"cut: {name}", npz({name: zeros[:100_000], **others})[:-40]
    laughs = json.dumps("x").replace('"x"', "[" * 100_000)
    text = np.array(laughs)
    stream = io.BytesIO()
    np.savez(stream, artifact=np.array("tracks"), schema_version=np.array(1), meta=text)
    yield "metadata of brackets", stream.getvalue()


def _smaller_than_it_is(archive: bytes) -> bytes:
    """Its first entry claims to be of 100 bytes, in both of its headers."""
    data = bytearray(archive)
    data[22:26] = struct.pack("<I", 100)
    directory = archive.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    return bytes(data)


def _torch_files(hostile: bytes) -> Iterator[tuple[str, bytes]]:
    weights = pickle.dumps({"model_pos": {}}, 2)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", weights)
        archive.writestr("archive/data/0", bytes(100_000_000))
    yield "zip bomb: torch", stream.getvalue()
    yield "two programs", torch_zip(weights, **{"x/data.pkl": hostile, "constants.pkl": hostile})
    yield "cut: torch", torch_zip(weights)[:-10]
    yield "cut: torch, legacy", torch_legacy(weights)[:-10]
    yield "a pickle in a torch file in a torch file", torch_zip(torch_zip(hostile))
