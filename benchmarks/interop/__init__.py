"""Whether other programs read what we export: `python -m benchmarks.interop`, `make interop`."""
