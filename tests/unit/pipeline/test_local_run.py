"""A job in one process: each task once, nothing twice that was finished, results in the tree when all are there."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from liftline.adapters.folder_store import FolderStore
from liftline.errors import Cancelled, InvalidInputError, LiftlineError, ModelError, OutputError, UsageError
from liftline.exports.keypoint_files import write_keypoint_lines
from liftline.files.atomic import sha256_file
from liftline.files.output_tree import MANIFEST, OutputTree
from liftline.jobs.naming import Stage
from liftline.pipeline.handler import Fingerprint, Product, StageHandler, StageOutcome, Work
from liftline.pipeline.local.finished_tasks import digest
from liftline.pipeline.local.ports import LocalStage
from liftline.pipeline.local.run import JOB, LocalJob, LocalRun, work_folder
from liftline.ports import ModelInfo, Progress
from liftline.progress import FrameCounter, StopFlag
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import LAYOUT_OVERLAY, JobSettings
from tests.unit.lifter.random_networks import tracks_of

SEGMENTS, FRAMES = 3, 30
MODEL = ModelInfo("toy", "ab" * 32, "MIT", "this test")
ALL = {Stage.PLAN: 1, Stage.DETECT: SEGMENTS, Stage.TRACK: 1, Stage.LIFT: 1, Stage.RENDER: SEGMENTS, Stage.MUX: 1}


@dataclass
class Told:
    """An Observer that remembers."""

    ran: dict[str, int | None] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    skipped_stages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, frames: int | None) -> Iterator[Progress]:
        self.ran[name] = frames
        counter = FrameCounter()
        yield counter
        self.counted[name] = counter.frames

    def skipped(self, name: str) -> None:
        self.skipped_stages.append(name)

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)


@dataclass
class Toys:
    """Handlers that write what they were given, and remember which tasks they did."""

    done: list[tuple[Stage, int]] = field(default_factory=list)
    loaded: list[Stage] = field(default_factory=list)
    before: Callable[[Stage, int], None] = lambda stage, number: None
    at_once: int = 2

    def __call__(self, stage: Stage) -> LocalStage:
        if stage not in self.loaded:
            self.loaded.append(stage)
        return LocalStage(Toy(stage, self), self.at_once if stage is Stage.DETECT else 1)

    @property
    def counts(self) -> Counter[Stage]:
        return Counter(stage for stage, _ in self.done)


@dataclass
class Toy(StageHandler):
    stage: Stage
    toys: Toys

    def fingerprint(self, task: Task) -> Fingerprint:
        chosen = {Stage.TRACK: task.settings.max_people, Stage.RENDER: task.settings.layout}
        return (chosen.get(self.stage),)

    def __call__(self, work: Work) -> StageOutcome:
        number = work.task.id.number
        self.toys.before(self.stage, number)
        work.stop.raise_if_stopped()
        inputs = [work.input_file(one.role).read_bytes() for one in work.task.inputs if one.role != "video"]
        inputs += [work.fetch(one.ref).read_bytes() for result in work.segment_results for one in result.artifacts]
        text = f"{self.stage} {number} {self.fingerprint(work.task)} {digest(*inputs)}".encode()
        self.toys.done.append((self.stage, number))
        products = [self.product(work, *made, text) for made in MADE[self.stage](OutputTree(work.task.video_name))]
        segmented = self.stage in (Stage.DETECT, Stage.RENDER)
        frames = FRAMES // SEGMENTS if segmented else FRAMES
        work.progress.advance(0)
        work.progress.advance(frames)
        return StageOutcome(
            products, frames, models=[MODEL] if self.stage is Stage.DETECT else [],
            warnings=[f"{self.stage} is a toy"] if self.stage is Stage.TRACK else [],
            settings={str(self.stage): number}, segment_count=SEGMENTS, frame_count=FRAMES, video_info_json="{}",
            video_sha256=next(one.ref.sha256 for one in work.task.inputs if one.role == "video"),
        )  # fmt: skip

    def product(self, work: Work, role: str, harness: str, text: bytes) -> Product:
        path = work.folder / (harness or role)
        path.parent.mkdir(parents=True, exist_ok=True)
        if role == "keypoint_lines":
            write_keypoint_lines(path, tracks_of([4 + work.task.settings.max_people]), stop=StopFlag())
        else:
            path.write_bytes(role.encode() + text)
        return Product(role, path, harness)


MADE: dict[Stage, Callable[[OutputTree], list[tuple[str, str]]]] = {
    Stage.PLAN: lambda tree: [("plan", "")],
    Stage.DETECT: lambda tree: [("detections", "")],
    Stage.TRACK: lambda tree: [("tracks", tree.tracks), ("keypoint_lines", tree.keypoint_lines)],
    Stage.LIFT: lambda tree: [("poses", tree.poses), ("scene", tree.scene)],
    Stage.RENDER: lambda tree: [("segment", "")],
    Stage.MUX: lambda tree: [("rendered", tree.rendered)],
}


@dataclass
class LocalHarness:
    """A video and the folder of its results."""

    folder: Path

    @property
    def video(self) -> Path:
        return self.folder / "clip é.mp4"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def work(self) -> Path:
        return work_folder(LocalJob(self.video, self.out, JobSettings(), 10.0))

    def run(
        self, toys: Toys | None = None, *, settings: JobSettings | None = None, overwrite: bool = False,
        until: Stage = Stage.MUX, stop: StopFlag | None = None,
    ) -> tuple[Toys, Told, LocalRun]:  # fmt: skip
        toys, told = toys or Toys(), Told()
        job = LocalJob(self.video, self.out, settings or JobSettings(), 10.0, overwrite=overwrite)
        run = LocalRun(job, toys, FolderStore(self.work), observer=told, stop=stop or StopFlag())
        run.run(until=until)
        return toys, told, run

    def files(self) -> dict[str, tuple[str, int]]:
        """Of the visible tree: hash and time of change."""
        found = (path for path in self.out.rglob("*") if path.is_file() and ".liftline" not in path.parts)
        return {str(path.relative_to(self.out)): (sha256_file(path), path.stat().st_mtime_ns) for path in found}

    def manifest(self) -> dict[str, object]:
        return json.loads((self.out / MANIFEST).read_text())


@pytest.fixture
def harness(tmp_path: Path) -> LocalHarness:
    made = LocalHarness(tmp_path)
    made.video.write_bytes(b"pictures")
    return made


def test_every_task_is_done_once_and_the_tree_holds_what_the_manifest_says(harness: LocalHarness) -> None:
    toys, told, run = harness.run()
    assert toys.counts == ALL
    assert run.changed
    files = harness.files()
    frames = {f"detectron_output/frame_000{n}_keypoints.json" for n in range(1, 5)}
    assert files.keys() == frames | {
        "custom_data/tracks_clip é.npz", "poses_3d/clip é.npz", "poses_3d/clip é.scene.json",
        "output_videos/clip é.mp4", MANIFEST,
    }  # fmt: skip
    told_files = harness.manifest()["files"]
    assert told_files == {name: sha for name, (sha, _) in files.items() if name != MANIFEST}
    assert harness.manifest()["settings"] == {**{str(stage): 0 for stage in Stage}, "overwrite": False}
    assert told.ran == {"plan": None, "detect": 30, "track": 30, "lift": 30, "render": 30, "mux": None}
    assert {name: told.counted[name] for name in ("detect", "track", "lift", "render")} == dict.fromkeys(
        ("detect", "track", "lift", "render"), FRAMES
    )
    assert told.warnings == ["track is a toy"]


def test_models_are_loaded_before_any_frame_is_decoded(harness: LocalHarness) -> None:
    loaded_at: list[list[Stage]] = []
    toys = Toys()
    toys.before = lambda stage, number: loaded_at.append(list(toys.loaded))
    harness.run(toys)
    assert loaded_at[0] == [Stage.PLAN]
    assert loaded_at[1] == list(Stage)


def test_a_model_that_is_missing_is_told_of_after_the_plan_alone(harness: LocalHarness) -> None:
    class Missing(Toys):
        def __call__(self, stage: Stage) -> LocalStage:
            if stage is Stage.LIFT:
                raise ModelError("no weights")
            return super().__call__(stage)

    toys = Missing()
    with pytest.raises(ModelError, match="no weights"):
        harness.run(toys)
    assert toys.counts == {Stage.PLAN: 1}
    assert harness.files() == {}


def test_a_second_run_does_nothing_and_touches_nothing(harness: LocalHarness) -> None:
    harness.run()
    before = harness.files()
    toys, told, run = harness.run()
    assert (toys.done, told.ran, run.changed) == ([], {}, False)
    assert told.skipped_stages == [str(stage) for stage in Stage]
    assert told.warnings == ["track is a toy"], "a warning is repeated"
    assert harness.files() == before


def test_drawn_segments_go_when_they_are_joined_and_are_not_needed_again(harness: LocalHarness) -> None:
    harness.run()
    kept = {path.parent.name for path in (harness.work / JOB.work).rglob("*") if path.is_file()}
    assert kept == {"plan-0", "detect-0", "detect-1", "detect-2", "track-0"}
    assert harness.run()[0].done == []


def test_another_layout_draws_again_and_detects_nothing(harness: LocalHarness) -> None:
    harness.run()
    toys, _, run = harness.run(settings=JobSettings(layout=LAYOUT_OVERLAY))
    assert toys.counts == {Stage.RENDER: SEGMENTS, Stage.MUX: 1}
    assert run.changed
    assert harness.run()[0].counts == {Stage.RENDER: SEGMENTS, Stage.MUX: 1}, "and back: the drawn video was replaced"


def test_detections_outlive_other_settings(harness: LocalHarness) -> None:
    harness.run()
    toys, _, _ = harness.run(settings=JobSettings(max_people=2))
    assert toys.counts == {Stage.TRACK: 1, Stage.LIFT: 1, Stage.RENDER: SEGMENTS, Stage.MUX: 1}
    assert len(list((harness.out / "detectron_output").glob("frame_*.json"))) == 6


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("output_videos/clip é.mp4", {Stage.RENDER: SEGMENTS, Stage.MUX: 1}),
        ("poses_3d/clip é.npz", {Stage.LIFT: 1}),
        ("custom_data/tracks_clip é.npz", {Stage.TRACK: 1}),
        ("detectron_output/frame_0002_keypoints.json", {}),
    ],
)
@pytest.mark.parametrize("edited", [True, False])
def test_a_lost_or_edited_result_is_made_again_and_nothing_else(
    name: str, again: dict[Stage, int], edited: bool, harness: LocalHarness
) -> None:
    harness.run()
    before = {file: sha for file, (sha, _) in harness.files().items() if file != MANIFEST}
    if edited:
        (harness.out / name).write_bytes(b"mine")
    else:
        (harness.out / name).unlink()
    toys, _, run = harness.run()
    assert toys.counts == again
    assert run.changed
    assert {file: sha for file, (sha, _) in harness.files().items() if file != MANIFEST} == before


def test_overwrite_runs_everything(harness: LocalHarness) -> None:
    harness.run()
    toys, _, run = harness.run(overwrite=True)
    assert toys.counts == ALL
    assert run.changed
    assert harness.manifest()["settings"]["overwrite"] is True


def test_a_lost_manifest_is_made_again_with_the_time_that_tasks_took(harness: LocalHarness) -> None:
    toys = Toys()
    toys.before = lambda stage, number: time.sleep(0.01)
    harness.run(toys)
    seconds = harness.manifest()["seconds"]
    (harness.out / MANIFEST).unlink()
    assert harness.run()[0].done == []
    assert harness.manifest()["seconds"] == seconds
    assert all(value >= 0.01 for value in seconds.values())


def test_what_was_finished_before_a_failure_is_kept_and_the_tree_stays_as_it_was(harness: LocalHarness) -> None:
    harness.run()
    before = harness.files()

    def fail(stage: Stage, number: int) -> None:
        if (stage, number) == (Stage.RENDER, 1):
            raise OutputError("the disk is full")

    other = JobSettings(max_people=2)
    with pytest.raises(OutputError, match="the disk is full"):
        harness.run(Toys(before=fail), settings=other)
    assert harness.files() == before, "the manifest still tells the truth"
    assert not list(harness.work.glob("liftline-work-*"))
    toys, told, _ = harness.run(settings=other)
    assert toys.done == [(Stage.RENDER, 1), (Stage.RENDER, 2), (Stage.MUX, 0)]
    assert told.counted["render"] == FRAMES


def test_one_failing_segment_stops_those_beside_it(harness: LocalHarness) -> None:
    failed, beside = threading.Event(), set()

    def before(stage: Stage, number: int) -> None:
        if (stage, number) == (Stage.DETECT, 0):
            failed.set()
            raise LiftlineError("no")
        if stage is Stage.DETECT:
            assert failed.wait(10)
            time.sleep(0.2)
            beside.add(number)

    toys = Toys(before=before)
    with pytest.raises(LiftlineError, match="no"):
        harness.run(toys)
    assert 1 in beside
    assert toys.counts == {Stage.PLAN: 1}, "whoever was at work stopped before the end"


def test_stopping_keeps_what_is_finished(harness: LocalHarness) -> None:
    stop = StopFlag()
    toys = Toys(before=lambda stage, number: stop.stop() if stage is Stage.LIFT else None)
    with pytest.raises(Cancelled):
        harness.run(toys, stop=stop)
    assert harness.files() == {}
    assert harness.run()[0].counts == {Stage.LIFT: 1, Stage.RENDER: SEGMENTS, Stage.MUX: 1}


def test_a_run_may_end_earlier_with_what_there_is(harness: LocalHarness) -> None:
    toys, _, run = harness.run(until=Stage.TRACK)
    assert toys.counts == {Stage.PLAN: 1, Stage.DETECT: SEGMENTS, Stage.TRACK: 1}
    assert Stage.LIFT not in toys.loaded
    assert "custom_data/tracks_clip é.npz" in harness.files()
    assert not (harness.out / MANIFEST).exists()
    assert run.record.frame_count == FRAMES
    assert harness.run()[0].counts == {Stage.LIFT: 1, Stage.RENDER: SEGMENTS, Stage.MUX: 1}


@pytest.mark.parametrize("damage", [b"", b"\xff\xff", b"\x0a\x02"])
def test_a_damaged_record_of_a_task_makes_it_run_again(damage: bytes, harness: LocalHarness) -> None:
    harness.run()
    (record,) = (harness.work / JOB.prefix / "results").glob("lift-0-*")
    record.write_bytes(damage)
    assert harness.run()[0].counts == {Stage.LIFT: 1}


def test_a_damaged_work_file_makes_its_task_run_again_once_it_is_needed(harness: LocalHarness) -> None:
    harness.run()
    (detections,) = (harness.work / JOB.work / "detect-1").iterdir()
    detections.write_bytes(b"damaged")
    assert harness.run()[0].done == [], "tracks are there"
    toys, told, _ = harness.run(settings=JobSettings(max_people=2))
    assert (Stage.DETECT, 1) in toys.done
    assert toys.counts[Stage.DETECT] == 1
    assert told.counted["detect"] == FRAMES


def test_another_video_of_the_same_name_is_another_job(harness: LocalHarness) -> None:
    harness.run()
    harness.video.write_bytes(b"other pictures")
    assert harness.run()[0].counts == ALL


def test_a_result_that_does_not_fit_the_job_ends_the_run(
    harness: LocalHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MADE, Stage.LIFT, lambda tree: [("poses", tree.poses)])
    with pytest.raises(LiftlineError, match="lift made no scene"):
        harness.run()
    monkeypatch.undo()
    assert harness.run()[0].counts == {Stage.LIFT: 1, Stage.RENDER: SEGMENTS, Stage.MUX: 1}


def test_two_products_with_the_same_bytes_have_both_their_places(
    harness: LocalHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = [("scene", "poses_3d/one"), ("scene", "poses_3d/other")]
    monkeypatch.setitem(MADE, Stage.LIFT, lambda tree: [("poses", tree.poses), *twins])
    harness.run()
    assert (harness.out / "poses_3d/one").read_bytes() == (harness.out / "poses_3d/other").read_bytes()


@pytest.mark.parametrize("name", ["a\nb.mp4", "caf\udce9.mp4"])
def test_a_name_that_results_cannot_have_is_refused_at_once(name: str, harness: LocalHarness) -> None:
    video = harness.folder / name
    with pytest.raises(InvalidInputError, match="rename it"):
        LocalRun(
            LocalJob(video, harness.out, JobSettings(), 10.0), Toys(), FolderStore(harness.work), observer=Told(),
            stop=StopFlag(),
        )  # fmt: skip


def test_a_video_is_not_overwritten_by_its_own_result(harness: LocalHarness) -> None:
    video = harness.out / "output_videos" / "clip.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"pictures")
    with pytest.raises(UsageError, match="another --output-dir"):
        LocalRun(
            LocalJob(video, harness.out, JobSettings(), 10.0), Toys(), FolderStore(harness.work), observer=Told(),
            stop=StopFlag(),
        )  # fmt: skip


def test_a_folder_that_cannot_be_written_is_named(harness: LocalHarness) -> None:
    harness.out.write_text("a file")
    with pytest.raises(OutputError, match=r"can't be written .*--output-dir"):
        harness.run()


def test_what_a_killed_run_left_is_removed(harness: LocalHarness) -> None:
    left = harness.work / "liftline-work-dead" / "made-1"
    left.mkdir(parents=True)
    harness.run()
    assert not left.exists()


def test_digests_tell_settings_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(1.0) != digest(1)
