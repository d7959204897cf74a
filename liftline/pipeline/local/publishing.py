"""A local job's outputs into the output tree, `manifest.json` last: its presence says that all of it is complete."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from liftline.files.atomic import output_errors, write_json
from liftline.files.frame_files import read_keypoint_lines, unchanged_frame_files, write_frame_files
from liftline.files.output_tree import MANIFEST, OutputTree
from liftline.jobs.manifest import files_of, is_of, manifest_of
from liftline.jobs.naming import JobKey, Stage
from liftline.pipeline.local._earlier import EarlierFiles
from liftline.pipeline.local.job_files import JobFiles, link_or_copy
from liftline.ports import StopToken
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.records_pb2 import JobRecord

KEPT = (Stage.PLAN, Stage.DETECT)
"""Stages whose work files stay: they are what is dear, and what other settings of later stages begin from."""


class Publisher:
    """Puts the outputs of one job into its folder. Everything may be repeated."""

    def __init__(self, files: JobFiles, record: JobRecord, stop: StopToken) -> None:
        """`files` holds the artifacts of the job whose record this is; `stop` is asked before each file."""
        self._files, self._record, self._stop = files, record, stop
        self._tree, self._root = OutputTree(record.video_name), files.root
        self._earlier = EarlierFiles(files.root, record.video_name)
        self._frames: dict[str, str] = {}
        self.changed = False

    def publish(self) -> None:
        """Put everything into the tree that has a place in it and isn't there. Raises OutputError, Cancelled."""
        placed = [one for one in self._record.artifacts if one.path]
        uses = Counter(one.ref.key for one in placed)
        for one in placed:
            self._stop.raise_if_stopped()
            if one.path == self._tree.keypoint_lines:
                self._expand(one)
            elif (stored := self._files.store.file(one.ref.key)) is not None:
                self._place(stored, one, move=uses[one.ref.key] == 1)

    def write_manifest(self, *, overwrite: bool) -> None:
        """Say that all is complete, where something changed or it isn't said of this video. Raises OutputError."""
        if not self.changed and self._is_told():
            return
        files = {**files_of(self._record), **self._frames}
        files.pop(self._tree.keypoint_lines, None)
        told = manifest_of(self._record, files=files)
        told["settings"]["overwrite"] = overwrite
        self._earlier.replace(files)
        write_json(self._root / MANIFEST, told)

    def remove_work_files(self) -> None:
        """Remove what the store holds of later stages, but what the tree can't hold as it is."""
        store, job = self._files.store, JobKey(self._record.tenant, self._record.job)
        needed = {one.ref.key for one in self._record.artifacts if one.path == self._tree.keypoint_lines}
        later = [key for key in store.keys(job.work) if key.removeprefix(job.work).partition("-")[0] not in KEPT]
        folders = {key.rpartition("/")[0] for key in needed}
        for key in later:
            if key.rpartition("/")[0] in folders and key not in needed:
                store.remove(key)
        for folder in {key.rpartition("/")[0] for key in later} - folders:
            store.remove_all(f"{folder}/")

    def _expand(self, lines: Artifact) -> None:
        path, folder = self._files.path(lines), self._root / self._tree.keypoints
        frames = unchanged_frame_files(folder, read_keypoint_lines(path))
        if frames is None:
            self._begin_change()
            frames = write_frame_files(folder, read_keypoint_lines(path), before_each=self._stop.raise_if_stopped)
        self._frames = {f"{self._tree.keypoints}/{name}": sha256 for name, sha256 in frames.items()}

    def _place(self, stored: Path, artifact: Artifact, *, move: bool) -> None:
        self._begin_change()
        target = self._root / artifact.path
        if not move:
            link_or_copy(stored, target)
            return
        with output_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            stored.replace(target)

    def _begin_change(self) -> None:
        """From here on the folder holds results of two runs: its manifest goes, until all is complete again."""
        if not self.changed:
            self._earlier.remember()
            with output_errors(self._root):
                (self._root / MANIFEST).unlink(missing_ok=True)
            self.changed = True

    def _is_told(self) -> bool:
        try:
            return is_of((self._root / MANIFEST).read_bytes(), self._record.video_sha256)
        except OSError:
            return False
