"""Write the Python code of the contract: `python protos/generate.py [FOLDER]`, by default into the checkout."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
PLUGINS = Path(sys.executable).parent


def generate(target: Path) -> None:
    """Write `liftline/v1/*_pb2.py`, `*_pb2_grpc.py` and their stubs below `target`."""
    os.environ["PATH"] = f"{PLUGINS}{os.pathsep}{os.environ.get('PATH', '')}"
    sources = sorted(PROTOS.glob("liftline/**/*.proto"))
    services = [path for path in sources if "\nservice " in path.read_text("utf-8")]
    common = ["protoc", f"--proto_path={PROTOS}", f"--proto_path={files('grpc_tools') / '_proto'}"]
    _run([*common, f"--python_out={target}", f"--mypy_out=quiet:{target}", *map(str, sources)])
    _run([*common, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}", *map(str, services)])


def _run(arguments: list[str]) -> None:
    if protoc.main(arguments) != 0:
        raise SystemExit("protos: protoc failed; its message is above.")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS.parent)
