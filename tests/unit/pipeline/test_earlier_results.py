"""An output folder that holds results already: nothing stale stays, nothing of another video or of the user's goes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from liftline.errors import Cancelled, UsageError
from liftline.files.output_tree import MANIFEST
from liftline.jobs.naming import Stage
from liftline.pipeline.handler import Fingerprint, Product, StageHandler, StageOutcome, Work
from liftline.pipeline.local.ports import LocalStage
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import EXPORT_FORMAT_CSV, JobSettings
from tests.unit.pipeline.test_local_run import LocalHarness, Toy, Toys

CSV = "poses_3d/clip.csv"


class Exporting(Toys):
    """Writes a CSV where it is asked for."""

    def __call__(self, stage: Stage) -> LocalStage:
        made = super().__call__(stage)
        return LocalStage(_Lift(stage, self)) if stage is Stage.LIFT else made


@dataclass
class _Lift(Toy, StageHandler):
    def fingerprint(self, task: Task) -> Fingerprint:
        return (tuple(task.settings.export_formats),)

    def __call__(self, work: Work) -> StageOutcome:
        outcome = super().__call__(work)
        if not work.task.settings.export_formats:
            return outcome
        path = work.folder / "csv"
        path.write_text("frame,x,y,z")
        return replace(outcome, products=[*outcome.products, Product("export_csv", path, CSV)])


@dataclass
class Harness(LocalHarness):
    name: str = "clip.mp4"

    @property
    def video(self) -> Path:
        return self.folder / self.name

    def process(self, *, csv: bool = False, **options: object) -> None:
        settings = JobSettings(export_formats=[EXPORT_FORMAT_CSV] if csv else [])
        self.run(Exporting(), settings=settings, **options)  # type: ignore[arg-type]


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    for name in ("clip.mp4", "clip.mov", "other.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    return Harness(tmp_path)


def test_what_is_no_longer_made_is_removed(harness: Harness) -> None:
    harness.process(csv=True)
    assert CSV in harness.files()
    harness.process()
    listed = json.loads((harness.out / MANIFEST).read_text())["files"]
    assert set(harness.files()) == {*listed, MANIFEST}
    assert CSV not in listed


def test_what_is_no_longer_made_is_removed_after_a_run_that_was_stopped(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.process(csv=True)

    def stopped(*_: object, **__: object) -> None:
        raise Cancelled("stopped")

    with monkeypatch.context() as patched:
        patched.setattr("liftline.pipeline.local._earlier.EarlierFiles.replace", stopped)
        with pytest.raises(Cancelled):
            harness.process()
    assert not (harness.out / MANIFEST).exists()
    assert CSV in harness.files()
    harness.process()
    assert CSV not in harness.files()


def test_what_the_user_altered_or_put_there_stays(harness: Harness) -> None:
    harness.process(csv=True)
    (harness.out / CSV).write_text("mine")
    (harness.out / "poses_3d" / "notes.txt").write_text("mine")
    harness.process()
    assert {CSV, "poses_3d/notes.txt"} <= set(harness.files())


@pytest.mark.parametrize("place", ["../kept", "/etc/hostname", "linked/kept"])
def test_a_manifest_that_names_what_is_elsewhere_removes_nothing_there(
    harness: Harness, place: str, tmp_path: Path
) -> None:
    harness.process()
    kept = tmp_path / "kept"
    kept.write_bytes(b"")
    (harness.out / "linked").symlink_to(tmp_path)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    told = json.loads((harness.out / MANIFEST).read_text())
    (harness.out / MANIFEST).write_text(json.dumps({**told, "files": {**told["files"], place: empty}}))
    harness.process(csv=True)
    assert kept.exists()


@pytest.mark.parametrize("forgotten", [False, True], ids=["", "without work files"])
def test_a_video_of_the_same_stem_is_refused_and_nothing_is_touched(harness: Harness, forgotten: bool) -> None:
    harness.process(csv=True)
    if forgotten:
        (harness.out / ".liftline" / "clip.mp4" / "published.json").unlink()
    before = harness.files()
    harness.name = "clip.mov"
    with pytest.raises(UsageError, match=r"holds results of clip\.mp4, and those of clip\.mov would have the same"):
        harness.process()
    assert harness.files() == before


def test_a_video_of_another_stem_leaves_the_first_ones_results_which_are_still_minded(harness: Harness) -> None:
    harness.process(csv=True)
    harness.name = "other.mp4"
    harness.process()
    assert {CSV, "poses_3d/clip.npz", "poses_3d/other.npz"} <= set(harness.files())
    harness.name = "clip.mov"
    with pytest.raises(UsageError, match=r"holds results of clip\.mp4"):
        harness.process()
    harness.name = "clip.mp4"
    harness.process()
    assert CSV not in harness.files()
