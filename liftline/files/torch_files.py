"""What `torch.save` wrote, looked at before torch reads it.

torch's restricted unpickler calls only functions that it takes for safe. Among them are some that take any amount of
memory (`bytearray`, `torch.Tensor`), and its reader unpacks compressed entries without bound. So the instructions are
walked through first, without running them, for names that weights don't need; and a zip file is
written anew from entries that are what torch writes, so that torch sees nothing else.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterable

from liftline.errors import ModelError

_ZIP_FILE, _PICKLE = b"PK\x03\x04", b"\x80"
_TAR_AT, _TAR = 257, b"ustar"

_LEGACY_PICKLES = 5  # magic number, protocol, byte orders, the content, names of storages
_MAX_INSTRUCTIONS = (
    50_000  # the largest files of Detectron2's trainer have half as many; deep nesting crashes Python from 100,000 on
)
_LONGEST_TEXT = 8192  # a RandomState's 2,496 bytes are written as text; encoding a long one over and over fills memory
_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")

NAMES = frozenset(
    {
        "collections OrderedDict",
        "_codecs encode",
        "torch._utils _rebuild_tensor",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {kind}Storage" for kind in _STORAGES),
        *(f"torch.cuda {kind}Storage" for kind in _STORAGES),
    }
)
"""What tensors, and nothing else, are written with; as `pickletools` gives them, module and name."""


def looks_like(data: bytes) -> bool:
    """Whether the file is a zip, a pickle or a tar file, as `torch.save` writes; safetensors files are none."""
    return data.startswith(_ZIP_FILE) or _is_tar(data) or (data.startswith(_PICKLE) and data[8:9] != b"{")


def checked(data: bytes, *, names: Iterable[str] = ()) -> bytes:
    """The file for torch to read: `data` itself, or the same zip file written anew.

    Args:
        data: the whole file.
        names: what it may name besides `NAMES`.

    Raises:
        ModelError: damaged, in a form torch gave up, or with more in it than torch writes into such a file.
    """
    if _is_tar(data):
        raise ModelError("in torch's tar form of 2016, which isn't read; load and save it again with a newer torch")
    allowed = NAMES.union(names)
    try:
        if data.startswith(_ZIP_FILE):
            return _checked_zip(data, allowed)
        _check_program(io.BytesIO(data), _LEGACY_PICKLES, allowed)
    except (ValueError, OverflowError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"a damaged torch file ({str(error).splitlines()[0][:160]})") from error
    return data


def _is_tar(data: bytes) -> bool:
    return data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def _checked_zip(data: bytes, allowed: frozenset[str]) -> bytes:
    """torch doesn't compress; entries of one file can't be larger than it, unless they overlap."""
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as written:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ModelError("a torch file with compressed entries, which torch doesn't write; not loaded")
        distinct = len({entry.filename for entry in entries}) == len(entries)
        if not distinct or sum(entry.file_size for entry in entries) > len(data):
            raise ModelError("a torch file whose entries overlap; not loaded")
        for entry in entries:
            content = archive.read(entry)
            if entry.filename.endswith("data.pkl"):
                _check_program(io.BytesIO(content), 1, allowed)
            written.writestr(zipfile.ZipInfo(entry.filename), content)
    return copy.getvalue()


def _check_program(stream: io.BytesIO, pickles: int, allowed: frozenset[str]) -> None:
    count = 0
    for _ in range(pickles):
        for opcode, argument, _ in pickletools.genops(stream):
            count += 1
            if count > _MAX_INSTRUCTIONS:
                raise ModelError(f"a pickle with more than {_MAX_INSTRUCTIONS} instructions, not loaded")
            if isinstance(argument, (str, bytes)) and len(argument) > _LONGEST_TEXT:
                raise ModelError("a pickle with more text than a checkpoint has, not loaded")
            if opcode.name == "GLOBAL" and argument not in allowed:
                name = str(argument).replace(" ", ".")[:80]
                raise ModelError(f"a pickle that asks for more than weights, not loaded ({name})")
