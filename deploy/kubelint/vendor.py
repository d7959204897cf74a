"""Makes `crds/` of CustomResourceDefinitions: `python -m deploy.kubelint.vendor FILE...`; crds/README.md names them.

Of each version its schema, without descriptions, status, and the parts in `_LEFT_OUT`, which we don't use.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deploy.kubelint.schemas import CRDS

_LEFT_OUT = {"Issuer": ("acme", "vault", "venafi")}


def main(files: Sequence[str]) -> int:
    """Write one file per kind and version; returns the exit code."""
    for file in files:
        for definition in yaml.safe_load_all(Path(file).read_text()):
            spec = definition["spec"]
            for version in spec["versions"]:
                kind, schema = spec["names"]["kind"], version["schema"]["openAPIV3Schema"]
                for name in _LEFT_OUT.get(kind, ()):
                    schema["properties"]["spec"]["properties"].pop(name)
                schema["properties"].pop("status", None)
                text = json.dumps(_without_descriptions(schema), sort_keys=True, separators=(",", ":"))
                (CRDS / f"{spec['group']}_{version['name']}_{kind}.json").write_text(text + "\n")
    return 0


def _without_descriptions(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_descriptions(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_descriptions(value)
        for key, value in part.items()
        if not (key == "description" and isinstance(value, str))
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
