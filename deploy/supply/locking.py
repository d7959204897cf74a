"""Writes deploy/locks from pyproject.toml, by uv: for every Python, system and processor at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.supply.locks import FOLDER, LOCKS, REPOSITORY, TORCH_CPU, Lock, blocks, name_of, pins

TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


class LockingError(Exception):
    """A lock can't be written; the message says why."""


def renew(*, keep: bool) -> None:
    """Write every lock: all newest, or with `keep` no other versions than pyproject.toml asks for. Raises LockingError.

    One resolution of everything comes first; each lock then prefers its versions, so that they agree.
    """
    old = "".join(lock.path.read_text() for lock in LOCKS if lock.path.exists()) if keep else ""
    everything = _resolved(_EVERYTHING, prefer=old)
    texts: dict[str, str] = {}
    for lock in LOCKS:
        text = _resolved(lock, prefer=everything)
        texts[lock.name] = _without(text, texts[lock.without]) if lock.without else text
    torch = next(pin for pin in pins(texts["torch"]) if pin.name == "torch")
    cpu = _torch_cpu(torch.version)
    for lock in LOCKS:
        lock.path.write_text(texts[lock.name])
    TORCH_CPU.write_text(cpu)


# But for Detectron2, whose needs are older than others'.
_EVERYTHING = Lock(
    "everything",
    extras=tuple(dict.fromkeys(extra for lock in LOCKS for extra in lock.extras)),
    groups=tuple(group for lock in LOCKS for group in lock.groups if not group.startswith("detect")),
    torch=True,
)


def _resolved(lock: Lock, *, prefer: str) -> str:
    """What uv makes of it, with the versions of `prefer` where they do."""
    sources = ["pyproject.toml"] if lock.extras else []
    chosen = [f"--extra={extra}" for extra in lock.extras] + [f"--group={group}" for group in lock.groups]
    left_out = [] if lock.torch else ["--no-emit-package=torch", "--excludes", str(FOLDER / "cuda.in")]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, f"{lock.name}.txt")
        output.write_text(prefer)
        _uv(*sources, *chosen, *left_out, "--constraints", str(FOLDER / "constraints.in"), "--output-file", str(output))
        return output.read_text()


def _without(text: str, other: str) -> str:
    """A lock's text less what another has; comments at its top stay."""
    there = {name_of(block) for block in blocks(other)}
    for block in blocks(text):
        if name_of(block) in there:
            text = text.replace(block, "", 1)
    return text


def _torch_cpu(version: str) -> str:
    """Hashes of PyTorch's own CPU builds: as its index has them now; where that doesn't answer, as they are known."""
    known = TORCH_CPU.read_text()
    wanted = f"torch=={version}+cpu"
    try:
        found = _uv("-", "--no-deps", "--index-url", os.environ.get("TORCH_INDEX", TORCH_INDEX), given=wanted)
    except LockingError as error:
        if wanted not in known:
            raise LockingError(
                f"{TORCH_CPU} has no hashes of {wanted}, and its index can't be asked: {error}"
            ) from error
        sys.stdout.write(f"{TORCH_CPU.name} stays as it is: PyTorch's index can't be asked from here\n")
        return known
    return known.replace(blocks(known)[0], blocks(found)[0])


def _uv(*arguments: str, given: str | None = None) -> str:
    """`uv pip compile`; returns what it prints. Raises LockingError."""
    command = [
        str(Path(sys.executable).with_name("uv")), "pip", "compile", "--universal", "--python-version=3.11",
        "--generate-hashes", "--quiet", "--custom-compile-command=make lock", *arguments,
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - uv of this environment, arguments of ours, no shell
        command, cwd=REPOSITORY, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LockingError(f"uv: {done.stderr.strip()}")
    return done.stdout
