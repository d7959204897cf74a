"""Secrets of one data folder, drawn when they are first needed: no web page that this machine shows can guess them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from liftline.errors import UsageError
from liftline.files.atomic import output_errors


def drawn(path: Path, names: Iterable[str]) -> Mapping[str, str]:
    """A secret for each name: what the file holds, for its owner alone; what is missing is drawn, and the file written.

    Raises UsageError where the file is damaged.
    """
    kept = _read(path)
    found = {name: kept.get(name) or f"k{secrets.token_hex(20)}" for name in names}  # digits: nats-server's numbers
    if found != kept:
        _write(path, found)
    return found


def _read(path: Path) -> Mapping[str, str]:
    try:
        kept = json.loads(path.read_text("utf-8"))
        if not all(isinstance(one, str) for one in kept.values()):
            raise ValueError("a secret is no text")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: damaged ({error}); remove it, and new keys are drawn.") from error
    return dict(kept)


def _write(path: Path, found: Mapping[str, str]) -> None:
    beside = path.with_name(f"{path.name}.new")
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(found, file)
        beside.replace(path)
