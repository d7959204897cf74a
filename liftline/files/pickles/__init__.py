"""Pickled NumPy data from strangers, read without running anything in it.

A pickle is a program. `machine` is an interpreter of our own for the instructions that plain data needs: containers,
numbers, text and NumPy arrays; Python's `pickle` module never sees the file. `names` lists the few functions it may
name, all of them ours; `plain` checks what came out; `npz` reads archives whose arrays are pickled, and
`writing` makes them. Time and memory are bounded by the size of the input.
"""

from __future__ import annotations

from liftline.files.pickles.loading import loads
from liftline.files.pickles.npz import MAX_BYTES, load_npz, npz_names
from liftline.files.pickles.writing import ObjectArray, save_npz

__all__ = ["MAX_BYTES", "ObjectArray", "load_npz", "loads", "npz_names", "save_npz"]
