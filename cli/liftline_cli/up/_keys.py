"""Secrets of one data folder, drawn when they are first needed: no web page that this machine shows can guess them."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from liftline.errors import UsageError
from liftline.files.atomic import output_errors


@dataclass(frozen=True)
class S3Keys:
    """What clients of the S3 server sign with, and what its own parts trust each other by."""

    access_key: str = field(default_factory=lambda: secrets.token_hex(10))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    inner_key: str = field(default_factory=lambda: secrets.token_hex(20))

    @classmethod
    def of(cls, path: Path) -> S3Keys:
        """Those that the file holds, for its owner alone; it is made where it isn't there. Raises UsageError."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            keys = cls()
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"{path}: damaged ({error}); remove it, and new keys are drawn.") from error
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(keys), file)
        return keys
