"""A job's output tree into a folder, as `liftline process` would have left it: every file whole, the manifest last."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from liftline.client.errors import ServerError
from liftline.client.transfer import AddressExpiredError, OnBytes, Transfers, no_listener
from liftline.client.views import OutputFile
from liftline.errors import InvalidArtifactError
from liftline.files.atomic import output_errors, sha256_file, write_json
from liftline.files.frame_files import read_keypoint_lines, write_frame_files
from liftline.files.output_tree import MANIFEST, WORK_FOLDER, OutputTree
from liftline.files.store_keys import check_key

OnFile = Callable[[OutputFile], OnBytes]
"""Told which file comes next; gives who is told how far it is."""


def silent(_file: OutputFile) -> OnBytes:
    """The listener of a download nobody watches."""
    return no_listener


@dataclass
class OutputFolder:
    """The folder, which files of it are there, and what their hashes are.

    `job` names the folder of unfinished files, so that those of another job aren't gone on with.
    """

    root: Path
    job: str
    video_name: str
    transfers: Transfers

    def __post_init__(self) -> None:
        """`done` are places in the tree whose files are there."""
        self.done: set[str] = set()
        self._frames: dict[str, str] = {}

    def attempt(self, files: Sequence[OutputFile], on_file: OnFile) -> bool:
        """Fetch what isn't there yet; returns whether all is there.

        False where the addresses expired on the way: call it again with new ones. Raises what transfers raise, and
        AddressExpiredError where they expired before anything came.
        """
        there = len(self.done)
        try:
            self._fetch(files, on_file)
        except AddressExpiredError:
            if len(self.done) == there:
                raise
            return False
        return True

    def _fetch(self, files: Sequence[OutputFile], on_file: OnFile) -> None:
        ordered = sorted(files, key=lambda file: (file.path == MANIFEST, file.path))
        self._check(ordered)
        with output_errors(self.root):
            self._parts.mkdir(parents=True, exist_ok=True)
            (self.root / MANIFEST).unlink(missing_ok=True)
        for file in ordered:
            if file.path not in self.done:
                self._fetch_one(file, on_file)
                self.done.add(file.path)
        shutil.rmtree(self._parts, ignore_errors=True)

    @property
    def files(self) -> dict[str, Path]:
        """What was fetched, by its place in the tree; keypoints are the folder of their files."""
        tree = OutputTree(self.video_name)
        paths = {tree.keypoints if path == tree.keypoint_lines else path for path in self.done}
        return {path: self.root / path for path in sorted(paths)}

    @property
    def _parts(self) -> Path:
        return self.root / WORK_FOLDER / "download" / self.job

    def _check(self, files: Sequence[OutputFile]) -> None:
        if not files or files[-1].path != MANIFEST:
            raise ServerError(f"jobs/{self.job}: the gateway lists no {MANIFEST}, so the results aren't complete.")
        for file in files:
            if not _is_inside(file.path):
                raise ServerError(f"{file.path!r}: no place in a folder; the gateway is broken or not Liftline's.")

    def _fetch_one(self, file: OutputFile, on_file: OnFile) -> None:
        target, part = self.root / file.path, self._parts / file.path.replace("/", "-")
        with output_errors(target):
            if file.sha256 and target.is_file() and sha256_file(target) == file.sha256:
                return
        self.transfers.download(
            file.address, part, size_bytes=file.size_bytes, sha256=file.sha256, on_bytes=on_file(file)
        )  # fmt: skip
        if file.path == MANIFEST:
            write_json(target, self._manifest(part))
        elif file.path == OutputTree(self.video_name).keypoint_lines:
            self._expand(part)
        else:
            with output_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)

    def _expand(self, lines: Path) -> None:
        folder = self.root / OutputTree(self.video_name).keypoints
        written = write_frame_files(
            folder, read_keypoint_lines(lines), before_each=self.transfers.stop.raise_if_stopped
        )
        self._frames = {f"{folder.name}/{name}": sha256 for name, sha256 in written.items()}
        lines.unlink()

    def _manifest(self, path: Path) -> dict[str, Any]:
        """The job's, with the files of frames instead of the one they came in. Raises InvalidArtifactError."""
        try:
            manifest = from_json(path.read_bytes(), allow_inf_nan=False)
            files = {**manifest["files"], **self._frames}
        except (ValueError, LookupError, TypeError) as error:
            raise InvalidArtifactError(f"{MANIFEST}: isn't what it should be ({error}); run the job again.") from error
        if self._frames:
            files.pop(OutputTree(self.video_name).keypoint_lines, None)
        return {**manifest, "files": dict(sorted(files.items()))}


def _is_inside(path: str) -> bool:
    """Whether it names something below a folder, and nothing in the one for unfinished files."""
    try:
        return "\\" not in check_key(path) and path.partition("/")[0] != WORK_FOLDER
    except ValueError:
        return False
