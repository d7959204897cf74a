"""Artifacts of a local job are files: moved, linked or copied, and believed while they are what they were."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from liftline.adapters.folder_store import FolderStore
from liftline.errors import InvalidArtifactError, OutputError
from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline.handler import Product
from liftline.pipeline.local.job_files import JobFiles
from liftline.pipeline.local.run import JOB
from liftline.v1.artifacts_pb2 import Artifact

KEY = TaskKey(JOB, Stage.LIFT)


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return JobFiles(FolderStore(tmp_path / "store"), tmp_path / "out")


def added(files: JobFiles, tmp_path: Path, *, place: str = "") -> Artifact:
    made = tmp_path / "made.npz"
    made.write_bytes(b"poses")
    return files.add(KEY, Product("poses", made, place))


def test_what_a_task_made_is_moved_into_the_store(files: JobFiles, tmp_path: Path) -> None:
    artifact = added(files, tmp_path)
    assert not (tmp_path / "made.npz").exists()
    assert files.path(artifact).read_bytes() == b"poses"
    assert artifact.ref.size_bytes == 5


def test_another_file_system_gets_a_copy(files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def elsewhere(path: Path, target: Path) -> Path:
        if path.name == "made.npz":
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", elsewhere)
    artifact = added(files, tmp_path)
    assert not (tmp_path / "made.npz").exists()
    assert files.path(artifact).read_bytes() == b"poses"


def test_a_full_disk_is_told_in_words(files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, target: Path) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="the disk is full"):
        added(files, tmp_path)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_copy_may_be_removed_by_its_owner(
    has_links: bool, files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> NoReturn:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    artifact = added(files, tmp_path)
    copy = files.copy(artifact.ref, tmp_path / "copy")
    assert copy.read_bytes() == b"poses"
    assert copy.samefile(files.path(artifact)) == has_links
    copy.unlink()
    assert files.path(artifact).read_bytes() == b"poses"


def test_a_published_file_is_found_in_the_tree_until_it_is_altered(files: JobFiles, tmp_path: Path) -> None:
    artifact = added(files, tmp_path, place="poses_3d/clip.npz")
    published = tmp_path / "out" / artifact.path
    published.parent.mkdir(parents=True)
    files.path(artifact).replace(published)
    assert files.find(artifact) == published
    published.write_bytes(b"other")
    os.utime(published, ns=(0, 0))
    assert files.find(artifact) is None
    with pytest.raises(InvalidArtifactError, match=r"poses_3d/clip\.npz: was removed or altered"):
        files.path(artifact)


def test_a_file_that_was_lent_is_read_where_it_is(files: JobFiles, tmp_path: Path) -> None:
    mine = tmp_path / "mine.npz"
    mine.write_bytes(b"poses")
    assert files.path(files.lend(KEY, "poses", mine)) == mine
    assert not (tmp_path / "store").exists()
