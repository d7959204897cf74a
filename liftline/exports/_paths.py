"""Names of per-person export files."""

from __future__ import annotations

from pathlib import Path


def person_path(base: Path, position: int, suffix: str) -> Path:
    """`clip.trc` for the most prominent person, `clip#2.trc` for the next, as in the custom dataset."""
    return base.with_name(base.stem + ("" if position == 0 else f"#{position + 1}") + suffix)
