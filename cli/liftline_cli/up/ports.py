"""Ports of `liftline up`: those of last time where they are free, else the usual ones, else any."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from liftline.errors import UsageError
from liftline.files.atomic import write_json
from liftline_cli.up.children import free_ports, is_free

MARKER = "liftline-up.json"
"""In the data folder: its ports, and that it is one."""


@dataclass(frozen=True)
class Ports:
    """Ports of one `liftline up` on 127.0.0.1."""

    gateway: int = 50051
    nats: int = 4222
    s3: int = 9000

    @classmethod
    def choose(cls, data_dir: Path) -> Ports:
        """Choose, and remember in the data folder. Raises UsageError where what it remembers is damaged."""
        last = _remembered(data_dir)
        usual = asdict(cls())
        chosen = {name: _first_free(port, usual[name]) for name, port in asdict(last).items()}
        ports = cls(**chosen)
        write_json(data_dir / MARKER, asdict(ports))
        return ports


def _first_free(*ports: int) -> int:
    return next((port for port in ports if port and is_free(port)), 0) or free_ports(1)[0]


def _remembered(data_dir: Path) -> Ports:
    try:
        told = json.loads((data_dir / MARKER).read_text("utf-8"))
        return Ports(**{name: told[name] for name in asdict(Ports()) if name in told})
    except FileNotFoundError:
        return Ports()
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{data_dir / MARKER}: damaged ({error}); choose another --data-dir.") from error
