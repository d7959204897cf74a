"""Where the artifacts of a local job lie: in its store until they are published, then in the output tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.files.atomic import atomic_path, output_errors, sha256_file
from liftline.jobs.naming import TaskKey
from liftline.pipeline.handler import Product
from liftline.pipeline.local.ports import FileStore
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import TaskResult


class JobFiles:
    """Artifacts as files, checked by SHA-256 once in a run. Methods may be called from several threads."""

    def __init__(self, store: FileStore, root: Path) -> None:
        """`store` holds artifacts until they are published; `root` is the folder of the output tree."""
        self.store, self.root = store, root
        self._checked: dict[tuple[Path, str], int] = {}
        self._lent: dict[str, Path] = {}

    def add(self, key: TaskKey, product: Product) -> Artifact:
        """Move what a task made into the store. Raises OutputError."""
        ref = _ref_of(key, product.path)
        with disk_errors(self.root):
            self.store.move_file(ref.key, product.path)
        stored = self.store.file(ref.key)
        if stored is not None:
            self._checked[stored, ref.sha256] = stored.stat().st_mtime_ns
        return Artifact(role=product.role, ref=ref, path=product.tree_path)

    def lend(self, key: TaskKey, role: str, path: Path) -> Artifact:
        """A file of someone else's as an artifact: read where it is, never moved."""
        ref = _ref_of(key, path)
        self._lent[ref.key] = path
        return Artifact(role=role, ref=ref)

    def find(self, artifact: Artifact) -> Path | None:
        """Its file, in the store or the tree; None where it is in neither, or was altered."""
        places = [self._lent.get(artifact.ref.key), self.store.file(artifact.ref.key)]
        if artifact.path:
            places.append(self.root / artifact.path)
        return next((path for path in places if path is not None and self._is(path, artifact.ref.sha256)), None)

    def path(self, artifact: Artifact) -> Path:
        """Its file, as `find`. Raises InvalidArtifactError where there is none."""
        found = self.find(artifact)
        if found is None:
            raise InvalidArtifactError(
                f"{artifact.path or artifact.role}: was removed or altered while it was needed; run it again."
            )
        return found

    def has_all(self, result: TaskResult) -> bool:
        """Whether everything that a task made is still there, as it was."""
        return all(self.find(artifact) is not None for artifact in result.artifacts)

    def copy(self, ref: ArtifactRef, path: Path) -> Path:
        """An artifact as a file that its owner may remove: a hard link where the file system has them."""
        link_or_copy(self.path(Artifact(ref=ref)), path)
        return path

    def _is(self, path: Path, sha256: str) -> bool:
        try:
            changed_ns = path.stat().st_mtime_ns
            if self._checked.get((path, sha256)) == changed_ns:
                return True
            matches = path.is_file() and sha256_file(path) == sha256
        except OSError:
            return False
        if matches:
            self._checked[path, sha256] = changed_ns
        return matches


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses to a store in a folder into OutputError."""
    with output_errors(path):
        try:
            yield
        except UnavailableError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from error
            raise


def link_or_copy(source: Path, target: Path) -> None:
    """Another name for a file, or a copy of it; replaces what is there. Raises OutputError."""
    with atomic_path(target) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:  # a file system without hard links, or another one
            shutil.copyfile(source, temporary)


def _ref_of(key: TaskKey, path: Path) -> ArtifactRef:
    sha256 = sha256_file(path)
    return ArtifactRef(key=key.artifact(sha256), sha256=sha256, size_bytes=path.stat().st_size)
