"""Files of all segments come in order, a few ahead, and don't pile up."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.pipeline.segment_files import AHEAD, segment_files
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import TaskResult

COUNT = 20


class Fetching:
    """A Work whose artifacts are files with their number in them; one of them may fail."""

    def __init__(self, folder: Path, *, failing: int | None = None) -> None:
        self.folder, self.failing = folder, failing
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def fetch(self, ref: ArtifactRef) -> Path:
        with self._lock:
            self.asked.append(ref.key)
        if ref.key == str(self.failing):
            raise UnavailableError("the store is away")
        path = self.folder / f"{len(self.asked)}-{ref.key}"
        path.write_text(ref.key)
        return path


def results(count: int = COUNT) -> list[TaskResult]:
    return [TaskResult(artifacts=[Artifact(role="part", ref=ArtifactRef(key=str(n)))]) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, AHEAD, AHEAD + 1, COUNT])
def test_all_files_come_in_order_however_many(tmp_path: Path, count: int) -> None:
    with segment_files(Fetching(tmp_path), results(count), "part") as files:
        assert [path.read_text() for path in files] == [str(n) for n in range(count)]
    assert list(tmp_path.iterdir()) == []


def test_few_files_are_there_at_a_time(tmp_path: Path) -> None:
    with segment_files(Fetching(tmp_path), results(), "part") as files:
        most = max(len(list(tmp_path.iterdir())) for _ in files)
    assert most <= AHEAD + 1


def test_a_file_stays_until_the_next_one_is_asked_for(tmp_path: Path) -> None:
    with segment_files(Fetching(tmp_path), results(), "part") as files:
        first = next(files)
        assert first.read_text() == "0"
        second = next(files)
        assert not first.exists()
        assert second.read_text() == "1"


def test_a_failure_comes_out_where_its_file_would_have_come(tmp_path: Path) -> None:
    came = []
    with (
        pytest.raises(UnavailableError, match="away"),
        segment_files(Fetching(tmp_path, failing=7), results(), "part") as files,
    ):
        came += [path.read_text() for path in files]
    assert came == []
    with segment_files(Fetching(tmp_path, failing=7), results(), "part") as files, closing(files):
        assert [next(files).read_text() for _ in range(7)] == [str(n) for n in range(7)]


def test_whoever_stops_early_fetches_no_more(tmp_path: Path) -> None:
    work = Fetching(tmp_path)
    with segment_files(work, results(), "part") as files:
        next(files)
    assert len(work.asked) <= AHEAD + 1


def test_a_result_without_the_file_is_refused_at_once(tmp_path: Path) -> None:
    work = Fetching(tmp_path)
    with (
        pytest.raises(InvalidArtifactError, match="no 'part'"),
        segment_files(work, [*results(3), TaskResult()], "part"),
    ):
        pass
    assert work.asked == []
