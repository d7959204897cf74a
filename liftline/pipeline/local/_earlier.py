"""What earlier runs put into an output folder: nothing stale stays beside new results, and no video replaces another.

Of each video whose results are there its work folder has a list, beside the one in `manifest.json`, which is of the
latest alone and gone while results change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from liftline.errors import UsageError
from liftline.files.atomic import output_errors, sha256_file, write_json
from liftline.files.output_tree import MANIFEST, WORK_FOLDER, OutputTree
from liftline.files.store_keys import check_key

_LIST = "published.json"
_FILES = TypeAdapter(dict[str, str])


class EarlierFiles:
    """Results of one video in a folder, by place in the tree, with their SHA-256."""

    def __init__(self, root: Path, video: str) -> None:
        """Nothing is read yet."""
        self._root, self._video = root, video
        self._list = root / WORK_FOLDER / video / _LIST

    def check_names(self) -> None:
        """Raise UsageError where results of another video have the names that this one's would have."""
        tree = OutputTree(self._video)
        if not any((self._root / place).exists() for place in (tree.poses, tree.tracks, tree.rendered)):
            return
        for other in self._other_videos():
            if PurePosixPath(other).stem == PurePosixPath(self._video).stem:
                raise UsageError(
                    f"{self._root}: holds results of {other}, and those of {self._video} would have the same names and "
                    "replace them; choose another --output-dir, or rename one of the videos."
                )

    def remember(self) -> None:
        """Before `manifest.json` goes. Raises OutputError."""
        if found := self._found():
            write_json(self._list, found)

    def replace(self, files: Mapping[str, str]) -> None:
        """From here on these are the video's; others that nobody altered are removed. Raises OutputError."""
        for place, sha256 in self._found().items():
            if place not in files:
                self._remove(place, sha256)
        write_json(self._list, dict(files))

    def _found(self) -> dict[str, str]:
        manifest = self._manifest()
        told = _files(manifest.get("files")) if _video_of(manifest) == self._video else {}
        try:
            return {**_files(json.loads(self._list.read_bytes())), **told}
        except (OSError, ValueError):
            return told

    def _other_videos(self) -> Iterator[str]:
        found = {path.parent.name for path in (self._root / WORK_FOLDER).glob(f"*/{_LIST}")}
        yield from sorted((found | {_video_of(self._manifest())}) - {self._video, ""})

    def _manifest(self) -> dict[str, object]:
        try:
            found = json.loads((self._root / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _remove(self, place: str, sha256: str) -> None:
        """Lists are files of the user's: nothing outside the folder goes, whatever they say."""
        try:
            path = self._root / check_key(place)
        except ValueError:
            return
        with output_errors(path):
            inside = path.resolve().is_relative_to(self._root.resolve())
            if inside and path.is_file() and not path.is_symlink() and sha256_file(path) == sha256:
                path.unlink()


def _files(value: object) -> dict[str, str]:
    try:
        return _FILES.validate_python(value, strict=True)
    except ValidationError:
        return {}


def _video_of(manifest: Mapping[str, object]) -> str:
    told = manifest.get("input")
    name = told.get("file") if isinstance(told, dict) else None
    return name if isinstance(name, str) else ""
