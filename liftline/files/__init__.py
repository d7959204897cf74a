"""Files as Liftline writes and reads them: whole or absent, hashed, and never believed.

Begin with `artifacts` (atomic writes, content hashes, versioned npz), then `output_tree` (which file lies where).
`range_reader` makes a file of anything that gives byte ranges; `torch_files` and `pickles` read what strangers made.
"""
