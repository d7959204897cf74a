"""Files as Liftline writes and reads them: whole or absent, hashed, and never believed.

Begin with `atomic` (atomic writes, content hashes) and `artifacts` (versioned npz), then `output_tree` (which file lies
where) and `frame_files` (one JSON file per frame).
`range_reader` makes a file of anything that gives byte ranges; `torch_files` and `pickles` read what strangers made.
"""
