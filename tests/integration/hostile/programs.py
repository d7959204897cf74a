"""Pickles that want more than to be data. Each would create `canary`, fill the memory, or crash a careless reader."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
DTYPE = b"cnumpy\ndtype\n(%s\x89\x88tR(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def array(shape: bytes, code: str, data: bytes) -> bytes:
    """An array with a shape, type and contents of one's choice."""
    return ARRAY + b"(K\x01" + shape + DTYPE % text(code) + b"\x89" + data + b"tb"


def long4(value: int) -> bytes:
    raw = value.to_bytes(16, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def programs(canary: Path) -> dict[str, bytes]:
    """By kind."""
    shell = f"touch {canary}"
    python = f"open({str(canary)!r}, 'w').close()"
    return {**_calls(canary, shell, python), **_opcodes(shell), **_sizes(), **_numpy(shell), **_torch(shell)}


def _calls(canary: Path, shell: str, python: str) -> dict[str, bytes]:
    system = Calls(os.system, shell)
    return {
        **{f"os.system, protocol {n}": pickle.dumps({"a": system}, n) for n in (0, 2, 4)},
        "eval": pickle.dumps(Calls(eval, python), 2),
        "exec": pickle.dumps(Calls(exec, python), 4),
        "open": pickle.dumps(Calls(open, str(canary), "w"), 2),
        "pathlib": pickle.dumps(Calls(Path.touch, canary), 2),
        "pickle.loads": pickle.dumps(Calls(pickle.loads, pickle.dumps(system)), 2),
        "getattr chain": b"\x80\x02cbuiltins\ngetattr\n(cbuiltins\n__import__\n"
        + text("os") + b"\x85R" + text("system") + b"tR" + text(shell) + b"\x85R.",
        "dotted name": b"\x80\x04" + short("numpy") + short("ndarray.tofile") + b"\x93" + text(str(canary)) + b"\x85R.",
        "name from the memo": b"\x80\x04" + short("system") + b"\x94" + short("posix") + b"\x940h\x01h\x00\x93"
        + text(shell) + b"\x85R.",
        "argument of an allowed function": b"\x80\x02ccollections\nOrderedDict\n](cos\nsystem\n"
        + text(shell) + b"\x85Re\x85R.",
        "a call inside an array of objects": pickle.dumps(np.array([{"x": system}], object), 4),
        "a call inside a key": b"\x80\x02}cos\nsystem\n" + text(shell) + b"\x85RNs.",
        "numpy.load": pickle.dumps(Calls(np.load, str(canary)), 2),
        "numpy.memmap": pickle.dumps(Calls(np.memmap, str(canary), np.uint8, "w+", 0, 16), 2),
    }  # fmt: skip


def _opcodes(shell: str) -> dict[str, bytes]:
    return {
        "INST": b"(S'" + shell.encode() + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'" + shell.encode() + b"'\no.",
        "NEWOBJ": b"\x80\x02cos\nsystem\n" + text(shell) + b"\x85\x81.",
        "NEWOBJ_EX": b"\x80\x04cos\nsystem\n" + text(shell) + b"\x85}\x92.",
        "PERSID": b"Pfile:///etc/passwd\n.",
        "BINPERSID": b"\x80\x02" + text("file:///etc/passwd") + b"Q.",
        "extension codes": b"\x80\x02\x82\x01.",
        "extension codes 4": b"\x80\x02\x84\xff\xff\xff\x7f.",
        "BUILD of a function": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}" + text("__defaults__") + b"Nsb.",
        "BUILD with __setstate__": b"\x80\x02ccollections\nOrderedDict\n)R}" + text("__setstate__")
        + b"cos\nsystem\nsb" + text(shell) + b"b.",
        "an array used before it is complete": b"\x80\x02]q\x00" + ARRAY + b"q\x01ah\x01N\x85b0h\x00.",
        "next buffer": b"\x80\x05\x97.",
        "unknown instruction": b"\x80\x02\xff.",
        "empty stack": b"\x80\x02R.",
        "no mark": b"\x80\x02e.",
        "memo of another": b"\x80\x02h\x07.",
    }  # fmt: skip


def _sizes() -> dict[str, bytes]:
    laughs = b"]q\x00K\x01a0" + b"".join(b"](h%ch%ch%ch%ceq%c0" % (n, n, n, n, n + 1) for n in range(100))
    return {
        "billion laughs": b"\x80\x02" + laughs + b"h\x64.",
        "billion laughs in tuples": b"\x80\x02)q\x00"
        + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(100)) + b".",
        "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
        "deep lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "deep tuples": b"\x80\x02)" + b"\x85" * 250_000 + b".",
        "deep tuple as a key": b"\x80\x02})" + b"\x85" * 250_000 + b"Ns.",
        "deep dictionaries": b"\x80\x02" + (b"}K\x00") * 50_000 + b"N" + b"s" * 50_000 + b".",
        "sets": b"\x80\x04(" + b"\x8f" * 100_000 + b"l.",
        "memo number": b"\x80\x02Nr\xff\xff\xff\x7f}N",
        "memo number in text": b"Np" + b"9" * 1000 + b"\n.",
        "long of gigabytes": b"\x80\x02\x8b\xff\xff\xff\x7f1.",
        "long of a negative length": b"\x80\x02\x8b\xff\xff\xff\xff1.",
        "number of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
        "text of exabytes": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x.",
        "bytes of exabytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
        "bytearray of exabytes": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"x.",
        "frame of exabytes": b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"N",
        "equal hashes": b"\x80\x02}(" + b"".join(long4(n * ((1 << 61) - 1)) + b"N" for n in range(50_000)) + b"u.",
        "bytes made over and over": b"\x80\x02c_codecs\nencode\nq\x00" + text("x" * 100_000) + b"q\x01\x85q\x020]("
        + b"h\x00h\x02R" * 10_000 + b"e.",
        "bytearray": pickle.dumps(Calls(bytearray, 1 << 40), 2),
        "bytes": pickle.dumps(Calls(bytes, 1 << 40), 2),
        "a range as a list": pickle.dumps(Calls(list, range(1 << 40)), 2),
    }  # fmt: skip


def _numpy(shell: str) -> dict[str, bytes]:
    over = ARRAY + b"(K\x01K\x64\x85" + DTYPE % text("f8") + b"\x89h\x00tb"
    huge = b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85"
    overflowing = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x0fK\x02\x86"
    return {
        "shape of terabytes": b"\x80\x03" + array(huge, "f8", b"C\x08" + bytes(8)) + b".",
        "negative shape": b"\x80\x03" + array(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86", "u1", b"C\x01x") + b".",
        "no data, huge shape": b"\x80\x03" + array(overflowing, "u1", b"N") + b".",
        "text of gigabytes as type": b"\x80\x03" + array(b"K\x01\x85", "U2000000000", b"C\x01x") + b".",
        "type without size": b"\x80\x03" + array(huge, "S0", b"C\x00") + b".",
        "record as type": b"\x80\x03" + array(b"K\x01\x85", "V16", b"C\x10" + bytes(16)) + b".",
        "program as type": b"\x80\x03" + array(b"K\x01\x85", "f4,f4", b"C\x08" + bytes(8)) + b".",
        "objects from bytes": b"\x80\x03" + array(b"K\x01\x85", "O8", b"C\x08" + b"A" * 8) + b".",
        "scalar object": b"\x80\x02cnumpy.core.multiarray\nscalar\n(" + DTYPE % text("O8") + text(shell) + b"tR.",
        "subclass of ndarray": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nmemmap\nK\x00\x85C\x01btR.",
        "numpy.ndarray itself": b"\x80\x02cnumpy\nndarray\n" + huge + b"\x85R.",
        "an array over and over": b"\x80\x03C\xff" + bytes(255) + b"0B\x20\x03\x00\x00" + bytes(800) + b"q\x000]("
        + over * 3_000 + b"e.",
        "numpy.zeros": b"\x80\x02cnumpy\nzeros\n" + huge + b"R.",
        "numpy.fromfile": b"\x80\x02cnumpy.core.multiarray\nfromfile\n" + text("/etc/passwd") + b"\x85R.",
        "codec": b"\x80\x02c_codecs\nencode\n" + text("x") + text("bz2") + b"\x86R.",
    }  # fmt: skip


def _torch(shell: str) -> dict[str, bytes]:
    def storage(numel: int) -> bytes:
        return b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + long4(numel) + b"%stQ"

    def tensor(numel: int, offset: int, size: int, stride: int, *, legacy: bool = False) -> bytes:
        where = storage(numel) % (b"N" if legacy else b"")
        numbers = long4(offset) + long4(size) + b"\x85" + long4(stride) + b"\x85"
        rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + where + numbers + b"\x89ccollections\nOrderedDict\n)RtR"
        return b"\x80\x02}" + text("model_pos") + b"}" + text("expand_conv.weight") + rebuilt + b"ss."

    many = (1 << 40, 0, 1 << 40, 1)
    return {
        **{f"tensor of terabytes{' (legacy)' * old}": tensor(*many, legacy=old) for old in (False, True)},
        "tensor outside its storage": tensor(4, 1 << 30, 4, 1),
        "tensor with a negative offset": tensor(4, -8, 4, 1),
        "tensor with a negative stride": tensor(4, 0, 4, -1),
        "one number a trillion times": tensor(4, 0, 1 << 40, 0),
        "torch.Tensor of terabytes": b"\x80\x02ctorch\nTensor\n" + long4(1 << 40) + b"\x85R.",
        "torch.UntypedStorage": b"\x80\x02ctorch.storage\nUntypedStorage\n" + long4(1 << 40) + b"\x85R.",
        "torch.storage._load_from_bytes": b"\x80\x02ctorch.storage\n_load_from_bytes\n"
        + b"C" + bytes([len(shell)]) + shell.encode() + b"\x85R.",
        "sparse tensor": b"\x80\x02ctorch._utils\n_rebuild_sparse_tensor\n" + text("x") + b")\x86R.",
        "quantized tensor": b"\x80\x02ctorch._utils\n_rebuild_qtensor\n)R.",
        "tensor from NumPy": b"\x80\x02ctorch._utils\n_rebuild_device_tensor_from_numpy\n)R.",
        "torch.load": b"\x80\x02ctorch\nload\n" + text("/etc/passwd") + b"\x85R.",
        "torch.hub": b"\x80\x02ctorch.hub\nload\n" + text("x") + text("y") + b"\x86R.",
        "a module of torch": b"\x80\x02ctorch.nn.modules.linear\nLinear\n"
        + long4(1 << 20) + long4(1 << 20) + b"\x86R.",
        "text encoded over and over": b"\x80\x02c_codecs\nencode\nq\x00" + text("x" * 1_000_000) + text("latin1")
        + b"\x86q\x010](" + b"h\x00h\x01R" * 9000 + b"e.",
    }  # fmt: skip
