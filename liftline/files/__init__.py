"""Reading and writing files: writes are atomic and hashed, contents are checked before use.

Begin with `atomic` (atomic writes, content hashes) and `artifacts` (versioned npz), then `output_tree` (which file lies
where) and `frame_files` (one JSON file per frame).
`range_reader` makes a file of byte ranges; `torch_files` and `pickles` read untrusted files.
"""
