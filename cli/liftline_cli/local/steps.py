"""Remembering finished steps, so that unchanged inputs and settings aren't worked on again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from liftline import __version__
from liftline.files.atomic import sha256_file, write_json


def digest(*parts: object) -> str:
    """A hash of settings and input hashes. Frozen dataclasses count by their repr."""
    text = "\x1f".join([__version__, *(repr(part) for part in parts)])
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class StepLog:
    """For one video and output folder: which steps are finished, from which inputs, with which files."""

    file: Path
    root: Path
    overwrite: bool = False

    def is_done(self, step: str, inputs: str) -> bool:
        """Whether the step ran on these inputs and its files are still what it wrote."""
        if self.overwrite:
            return False
        entry = self._entries().get(step)
        return (
            entry is not None
            and entry.get("inputs") == inputs
            and all(_unchanged(self.root / name, sha) for name, sha in self.files(step).items())
        )

    def record(
        self, step: str, inputs: str, files: Sequence[Path], *, seconds: Mapping[str, float] = MappingProxyType({}),
        warnings: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Note that the step finished with these files, how long its parts took and what it warned of."""
        hashes = {str(path.relative_to(self.root)): sha256_file(path) for path in files}
        entry = {"inputs": inputs, "files": hashes, "seconds": dict(seconds), "warnings": list(warnings)}
        write_json(self.file, {**self._entries(), step: entry})

    def files(self, step: str) -> dict[str, str]:
        """Path relative to the output folder → sha256 of everything a finished step wrote."""
        return dict(self._entry(step)["files"])

    def seconds(self, step: str) -> dict[str, float]:
        """How long the parts of a finished step took when it ran."""
        return dict(self._entry(step)["seconds"])

    def warnings(self, step: str) -> list[str]:
        """What a finished step warned of when it ran."""
        return list(self._entry(step)["warnings"])

    def _entry(self, step: str) -> dict[str, Any]:
        entry: dict[str, Any] = self._entries().get(step, {})
        return {"files": {}, "seconds": {}, "warnings": [], **entry}

    def _entries(self) -> dict[str, Any]:
        try:
            entries = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}  # no record, or a damaged one: the steps simply run again
        if not isinstance(entries, dict):
            return {}
        return {step: entry for step, entry in entries.items() if isinstance(entry, dict)}


def _unchanged(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256
