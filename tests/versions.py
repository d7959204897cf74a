"""Liftline's sources in three versions, so that services of several can run side by side: this, the next, the released.

The next one doesn't exist yet, so it is made: a copy of this one whose messages all have a field more, which it always
sets; whose stages have a setting and a work file more; and which calls itself by another version. The released one is
what git has from the moment at which `protos/released.binpb` was written.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MARK = "told by the next version alone"
NEXT_VERSION = "1000.0.0"
_FIELD = "of_next_version"
_ROOTS = ("", "services/gateway", "services/detector", "services/lifter", "services/renderer")
_MARKING = f'''
def mark_all(descriptor, names):
    """Messages of a file set the new field in themselves and in all they hold whenever they are sent or stored."""
    for name in descriptor.message_types_by_name:
        _mark_class(names[name])


def _mark_class(kind):
    plain = kind.SerializeToString

    def serialize(self, **options):
        marked = kind()
        marked.CopyFrom(self)
        _mark(marked)
        return plain(marked, **options)

    kind.SerializeToString = serialize


def _mark(message):
    if "{_FIELD}" in message.DESCRIPTOR.fields_by_name:
        message.{_FIELD} = "{MARK}"
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for one in [value] if hasattr(value, "DESCRIPTOR") else value:
            _mark(one)
'''


@dataclass(frozen=True)
class Version:
    """Sources of one version, below a folder."""

    name: str
    folder: Path

    def environment(self) -> dict[str, str]:
        """With these a Python process runs them, and no others."""
        roots = ":".join(str(self.folder / root) for root in _ROOTS)
        return {"PYTHONPATH": roots, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def this_version() -> Version:
    """The checkout."""
    return Version("this", REPOSITORY)


def next_version(folder: Path) -> Version:
    """A copy with something new in every message."""
    _copy(folder)
    _replace(folder / "liftline/__init__.py", r'__version__ = ".*"', f'__version__ = "{NEXT_VERSION}"')
    stages = folder / "tests/standin_services.py"
    _replace(stages, r"return StageOutcome\(", f'return partial(StageOutcome, settings={{"{_FIELD}": 1}})(')
    _replace(
        stages,
        r'\[_made\(work, "detections", content\)\]',
        f'[_made(work, "{_FIELD}", b"new"), _made(work, "detections", content)]',
    )
    for proto in folder.glob("protos/liftline/v1/*.proto"):
        if "message " in proto.read_text("utf-8"):
            _replace(proto, r"(message \w+ \{)", rf"\1\n  string {_FIELD} = 1000;\n")
    subprocess.run([sys.executable, folder / "protos/generate.py", folder], check=True, timeout=120)
    _mark_messages(folder / "liftline/v1")
    return Version("next", folder)


def released_version(folder: Path) -> Version | None:
    """As the repository was when the contract was last released; None where there is no git, or no such commit."""
    released = _git("log", "-1", "--format=%H", "--", "protos/released.binpb")
    archive = _git("archive", released.decode().strip()) if released else None
    if not archive:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return Version("released", folder)


def _copy(folder: Path) -> None:
    for name in ("liftline", "services", "protos"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    shutil.copy(REPOSITORY / "tests/standin_services.py", folder / "tests")


def _replace(path: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, path.read_text("utf-8"))
    if not count:
        raise AssertionError(f"{path}: nothing like {pattern!r} to make the next version of")
    path.write_text(text, "utf-8")


def _mark_messages(generated: Path) -> None:
    (generated / "marking.py").write_text(_MARKING, "utf-8")
    for path in generated.glob("*_pb2.py"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\nfrom liftline.v1.marking import mark_all\n\nmark_all(DESCRIPTOR, globals())\n")


def _git(*arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, timeout=60, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
