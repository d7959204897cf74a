"""Pickled NumPy data from strangers, read without running anything in it.

A pickle is a program. Python's own unpickler reads it, in a process of its own with little memory and time (`child`),
where the few names that it may use call nothing; what it tells of comes back as JSON and raw numbers, of which
`loading` builds containers and arrays. `npz` reads archives whose arrays are pickled, and `writing` makes them. Where
the system can't limit a process (memory: macOS and Windows), what `child` looks for beforehand is the only bound.
"""

from __future__ import annotations

from liftline.files.pickles.loading import loads
from liftline.files.pickles.npz import MAX_BYTES, load_npz, npz_names
from liftline.files.pickles.writing import ObjectArray, save_npz

__all__ = ["MAX_BYTES", "ObjectArray", "load_npz", "loads", "npz_names", "save_npz"]
