"""The `liftline` command: wires the stages together in one process and writes to a folder."""
