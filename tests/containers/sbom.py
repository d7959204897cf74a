"""What an image says is in it, held against what its lock files say."""

from __future__ import annotations

import json

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

from deploy.supply.locks import pins


def components(sbom: str) -> dict[str, str]:
    """Versions by package, of a CycloneDX document in JSON."""
    document = json.loads(sbom)
    assert document["bomFormat"] == "CycloneDX"
    return {canonicalize_name(one["name"]): one["version"] for one in document["components"]}


def locked(*texts: str, python: str | None = None) -> dict[str, str]:
    """Versions by package that lock files have for a Python (this one by default) on Linux."""
    where = {
        "sys_platform": "linux",
        **({"python_full_version": python, "python_version": python[:4]} if python else {}),
    }
    found: dict[str, str] = {}
    for pin in (pin for text in texts for pin in pins(text)):
        if not pin.marker or Marker(pin.marker).evaluate(where):
            assert found.setdefault(pin.name, pin.version) == pin.version, f"two versions of {pin.name} at once"
    return found


def differing(sbom: str, lock: dict[str, str]) -> dict[str, tuple[str, str | None]]:
    """What a lock has and the document hasn't, or of another version: as locked, as listed."""
    there = components(sbom)
    return {
        name: (version, there.get(name))
        for name, version in lock.items()
        if name not in there or Version(there[name]) != Version(version)
    }
