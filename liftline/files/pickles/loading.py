"""Load a pickle of plain data."""

from __future__ import annotations

import struct
from typing import Any

from liftline.errors import InvalidInputError, UnsafePickleError
from liftline.files.pickles.instructions import INSTRUCTIONS
from liftline.files.pickles.machine import Machine
from liftline.files.pickles.plain import PlainCheck

_MAX_UNFOLDED_BYTES = 1 << 30

_DAMAGED = (EOFError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, struct.error)


def loads(data: bytes, *, name: str, start: int = 0) -> Any:
    """The plain data in a pickle: containers, numbers, text, bytes, NumPy arrays and scalars.

    Takes as much memory as the data itself beside `data`, whoever wrote it.

    Args:
        data: the pickle, from `start` on; what follows its end is not looked at.
        name: of the file, for messages.
        start: where the pickle begins.

    Raises:
        InvalidInputError: damaged.
        UnsafePickleError: it asks for more than plain data, or for too much of it.
    """
    try:
        value = Machine(data, INSTRUCTIONS, start).run()
        PlainCheck(_MAX_UNFOLDED_BYTES).size(value)
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{name}: {error}; refused. Use a file from a source you trust.") from error
    except _DAMAGED as error:
        raise InvalidInputError(f"{name}: a damaged pickle ({error}); make the file again.") from error
    except (MemoryError, RecursionError) as error:
        raise UnsafePickleError(f"{name}: a pickle that would take too much memory; refused.") from error
    return value
