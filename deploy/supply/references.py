"""Where others' images and actions are named: Dockerfiles, compose.yaml, manifests, workflows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.supply.locks import REPOSITORY

UNPINNED = REPOSITORY / "deploy" / "locks" / "unpinned.txt"
_FILES = (
    "services/*/Dockerfile",
    "deploy/images/*.Dockerfile",
    "compose.yaml",
    "deploy/k8s/**/*.yaml",
    ".github/workflows/*.yml",
)
# Ours are built here (localhost/...), or stand for a registry of yours (registry.example.com/...).
_IMAGE = re.compile(
    r"(?P<before>\w_IMAGE=|image: )(?P<what>(?!localhost/|registry\.example\.com/)[\w.-]+(?:/[\w.-]+)+:[\w.-]+)"
    r"(?:@(?P<pin>sha256:[0-9a-f]{64}))?"
)
_ACTION = re.compile(
    r"(?P<before>uses: )(?P<what>[\w.-]+/[\w.-]+)@(?:(?P<pin>[0-9a-f]{40}) # (?P<tag>[\w.-]+)|(?P<bare>[\w.-]+))"
)


@dataclass(frozen=True, order=True)
class Reference:
    """An image (`docker.io/library/nats:2.15.1-alpine`) or an action (`actions/checkout@v4`), and its pin."""

    what: str
    pin: str | None

    @property
    def is_action(self) -> bool:
        """Whether it is one of GitHub's."""
        return "@" in self.what

    def written(self) -> str:
        """As a file names it."""
        if self.pin is None:
            return self.what
        if self.is_action:
            name, _, tag = self.what.partition("@")
            return f"{name}@{self.pin} # {tag}"
        return f"{self.what}@{self.pin}"


def files(root: Path = REPOSITORY) -> list[Path]:
    """Those that name others' images or actions."""
    return sorted(path for pattern in _FILES for path in root.glob(pattern))


def references(text: str) -> Iterator[Reference]:
    """What a file's text names."""
    for found in _IMAGE.finditer(text):
        yield Reference(found["what"], found["pin"])
    for found in _ACTION.finditer(text):
        yield Reference(f"{found['what']}@{found['tag'] or found['bare']}", found["pin"])


def rewritten(text: str, pins: dict[str, str]) -> str:
    """The text with each reference pinned to `pins[what]`; others stay as they are."""

    def write(found: re.Match[str]) -> str:
        (reference,) = references(found[0])
        pin = pins.get(reference.what, reference.pin)
        return found["before"] + Reference(reference.what, pin).written()

    return _ACTION.sub(write, _IMAGE.sub(write, text))


def unpinned() -> list[str]:
    """What is knowingly not pinned: the lines of UNPINNED."""
    return [line for line in UNPINNED.read_text().splitlines() if line and not line.startswith("#")]
