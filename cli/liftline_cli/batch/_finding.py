"""Which files below a folder are videos to process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from liftline.errors import InvalidInputError, UsageError
from liftline.files.output_tree import WORK_FOLDER

SUFFIXES = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".ivf", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)  # fmt: skip
"""What a video's name ends with, in lower case. A file of another name is processed when it is named itself."""


def find_videos(folder: Path, output_dir: Path) -> list[Path]:
    """Paths relative to `folder` of all videos in it and its subfolders, in order of name.

    Hidden files and folders, `output_dir` and folders that Liftline has written are left out; links are followed, and
    every folder is visited once.

    Raises:
        UsageError: the results would lie among the videos.
        InvalidInputError: there is no video, or a folder can't be read.
    """
    if output_dir.exists() and output_dir.samefile(folder):
        raise UsageError(f"{folder}: is the folder of the videos itself; choose another --output-dir.")
    found = sorted(_walk(folder, output_dir))
    if not found:
        raise InvalidInputError(f"{folder}: no videos in it or its subfolders (looked for {_endings()}).")
    return found


def _walk(folder: Path, output_dir: Path) -> Iterator[Path]:
    seen = {_identity(folder)}
    for name, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        here = Path(name)
        folders[:] = [child for child in sorted(folders) if _is_wanted(here / child, output_dir, seen)]
        for file in files:
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                yield (here / file).relative_to(folder)


def _is_wanted(folder: Path, output_dir: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether to look into a subfolder; one that was seen before, by whichever name, is not wanted again."""
    if folder.name.startswith(".") or (folder / WORK_FOLDER).is_dir():
        return False
    if output_dir.exists() and output_dir.samefile(folder):
        return False
    identity = _identity(folder)
    is_new = identity not in seen
    seen.add(identity)
    return is_new


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _refuse(error: OSError) -> None:
    raise InvalidInputError(f"{error.filename}: can't be read ({error.strerror}); change its permissions or move it.")


def _endings() -> str:
    return ", ".join(sorted(SUFFIXES))
