"""The lifter's handlers: segments' detections to tracks, tracks to poses, as tasks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import tracks as tracks_file
from liftline.adapters.folder_store import FolderStore
from liftline.errors import Cancelled, InvalidArtifactError, UsageError
from liftline.exports.keypoint_files import keypoint_lines
from liftline.files.atomic import sha256_file
from liftline.files.frame_files import write_frame_files
from liftline.jobs.naming import Stage
from liftline.pipeline.segment_files import AHEAD
from liftline.plan import Plan, Segment
from liftline.progress import FrameCounter, StopFlag
from liftline.settings import environment, job
from liftline.settings.job import of_job
from liftline.settings.machine import Settings
from liftline.v1 import job_service_pb2
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Task, TaskId, TaskResult
from liftline.v1.job_service_pb2 import JobSettings
from liftline_cli.local.process_settings import ProcessSettings
from liftline_lifter.handlers import MOST_EXPORTS, LiftHandler, TrackHandler
from liftline_lifter.lifting.smoothing import smooth
from liftline_lifter.settings import LifterSettings
from liftline_lifter.stage import LiftSettings, TrackSettings
from tests.folder_work import FolderWork
from tests.unit.lifter.random_networks import random_checkpoint, tracks_of
from tests.unit.lifter.synthetic_people import detect, walker
from tests.unit.lifter.test_stage import plan_of

FRAMES, PARTS = 120, 10


class Stored:
    """Artifacts of a job in a store, and works over them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, FolderStore(folder / "store")
        self.inputs: list[Artifact] = []

    def put(self, role: str, path: Path) -> Artifact:
        ref = ArtifactRef(key=f"{role}/{path.name}", sha256=sha256_file(path), size_bytes=path.stat().st_size)
        self.store.put_file(ref.key, path)
        return Artifact(role=role, ref=ref)

    def work(self, stage: Stage, *, settings: JobSettings | None = None, parts: list[TaskResult] | None = None):
        folder = self.folder / str(stage)
        folder.mkdir(exist_ok=True)
        identity = TaskId(tenant="local", job="j", stage=stage.wire)
        task = Task(id=identity, video_name="clip é.mp4", settings=settings, inputs=self.inputs)
        return FolderWork(task, folder, self.store, parts or [])


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """With the plan of a video in ten segments."""
    out = Stored(tmp_path)
    length = FRAMES // PARTS
    segments = tuple(Segment(n, n * length, (n + 1) * length, n * length) for n in range(PARTS))
    plan = plan_of(FRAMES)
    plan_file.save(tmp_path / "plan.npz", Plan(plan.info, plan.pts, segments))
    out.inputs.append(out.put("plan", tmp_path / "plan.npz"))
    return out


@pytest.fixture
def parts(stored: Stored, tmp_path: Path) -> list[TaskResult]:
    """What detectors made of two people who walk through all segments."""
    found = detect([walker(FRAMES, x_px=300 + 400 * n, speed_px_s=40) for n in range(2)])
    results, length = [], FRAMES // PARTS
    for number in range(PARTS):
        path = tmp_path / f"{number}.npz"
        detections_file.save(path, found.between(number * length, (number + 1) * length))
        results.append(TaskResult(artifacts=[stored.put("detections", path)]))
    return results


def test_tracking_makes_the_files_of_the_tree_from_all_segments(stored: Stored, parts: list[TaskResult]) -> None:
    work = stored.work(Stage.TRACK, parts=parts)
    outcome = TrackHandler(Settings())(work)
    assert {product.role: product.tree_path for product in outcome.products} == {
        "tracks": "custom_data/tracks_clip é.npz",
        "custom_dataset": "custom_data/data_2d_custom_clip é.npz",
        "detectron_file": "detectron_output/clip é.mp4.npz",
        "keypoint_lines": "detectron_output/keypoints.jsonl.gz",
    }
    tracks = tracks_file.load(outcome.products[0].path)
    assert tracks.track_ids.tolist() == [1, 2]
    assert len(tracks.frame_index) == 2 * FRAMES
    assert (tracks.video, outcome.frames_done, outcome.warnings) == ("clip é.mp4", FRAMES, ())
    assert work.most_files <= 1 + AHEAD + 1


def test_tracking_counts_frames_and_lives_while_it_reads_segments(stored: Stored, parts: list[TaskResult]) -> None:
    told: list[int] = []
    work = stored.work(Stage.TRACK, parts=parts)
    work.progress = FrameCounter(told.append)
    TrackHandler(Settings())(work)
    assert told[-1] == FRAMES
    assert told.count(0) >= PARTS


def test_tracking_stops_when_told(stored: Stored, parts: list[TaskResult]) -> None:
    work = stored.work(Stage.TRACK, parts=parts)
    work.stop = StopFlag()
    work.stop.stop()
    with pytest.raises(Cancelled):
        TrackHandler(Settings())(work)


def test_who_is_left_out_is_told_in_local_modes_words(stored: Stored, parts: list[TaskResult]) -> None:
    work = stored.work(Stage.TRACK, parts=parts, settings=JobSettings(max_people=1))
    outcome = TrackHandler(Settings())(work)
    assert outcome.warnings == ("clip é.mp4: 1 more people left out by --max-people 1.",)
    assert outcome.settings["track"]["max_people"] == 1


def test_a_segment_without_detections_is_no_segment_without_people(stored: Stored, parts: list[TaskResult]) -> None:
    del parts[3].artifacts[:]
    with pytest.raises(InvalidArtifactError, match="no 'detections'"):
        TrackHandler(Settings())(stored.work(Stage.TRACK, parts=parts))


def test_equal_tracks_give_equal_keypoint_lines_which_are_the_files(
    stored: Stored, parts: list[TaskResult], tmp_path: Path
) -> None:
    outcomes = []
    for _ in range(2):
        products = {p.role: p.path for p in TrackHandler(Settings())(stored.work(Stage.TRACK, parts=parts)).products}
        outcomes.append(products["keypoint_lines"].read_bytes())
    assert outcomes[0] == outcomes[1]
    lines = gzip.decompress(outcomes[0]).splitlines()
    files = write_frame_files(tmp_path / "frames", keypoint_lines(tracks_file.load(products["tracks"])))
    assert [json.loads(line)["frame"] for line in lines] == list(range(1, FRAMES + 1))
    assert lines == [(tmp_path / "frames" / name).read_bytes() for name in files]


def lift_work(
    stored: Stored, tmp_path: Path, settings: JobSettings | None = None, *, lengths: Sequence[int] = (40, 25)
) -> FolderWork:
    tracks_file.save(tmp_path / "tracks.npz", replace(tracks_of(lengths), video="clip é.mp4"))
    stored.inputs.append(stored.put("tracks", tmp_path / "tracks.npz"))
    return stored.work(Stage.LIFT, settings=settings)


def test_lifting_makes_poses_a_scene_and_the_formats_asked_for(stored: Stored, tmp_path: Path) -> None:
    formats = [job_service_pb2.EXPORT_FORMAT_TRC, job_service_pb2.EXPORT_FORMAT_JSON]
    work = lift_work(stored, tmp_path, JobSettings(export_formats=formats))
    outcome = LiftHandler(random_checkpoint(), LifterSettings(), device="cpu")(work)
    assert [(product.role, product.tree_path) for product in outcome.products] == [
        ("poses", "poses_3d/clip é.npz"),
        ("scene", "poses_3d/clip é.scene.json"),
        ("export_json", "poses_3d/clip é.json"),
        ("export_trc", "poses_3d/clip é.trc"),
        ("export_trc", "poses_3d/clip é#2.trc"),
    ]
    assert outcome.warnings == ()
    poses = poses_file.load(outcome.products[0].path)
    assert len(poses) == 2
    assert np.isfinite(poses.joints_m).all()
    assert [model.name for model in outcome.models] == ["random"]
    assert (outcome.settings["export"], outcome.settings["causal"]) == (["trc", "json"], False)
    assert outcome.frames_done == 40


def test_a_crowd_has_its_most_prominent_people_in_formats_of_a_file_each(stored: Stored, tmp_path: Path) -> None:
    formats = [job_service_pb2.EXPORT_FORMAT_NPY, job_service_pb2.EXPORT_FORMAT_CSV]
    crowd = MOST_EXPORTS + 5
    work = lift_work(stored, tmp_path, JobSettings(export_formats=formats), lengths=[3] * crowd)
    outcome = LiftHandler(random_checkpoint(), LifterSettings(), device="cpu")(work)
    exports = [product.tree_path for product in outcome.products if product.role.startswith("export_")]
    assert exports[:3] == ["poses_3d/clip é.csv", "poses_3d/clip é.npy", "poses_3d/clip é#2.npy"]
    assert exports[-1] == f"poses_3d/clip é#{MOST_EXPORTS - 1}.npy"
    (warning,) = outcome.warnings
    assert warning.startswith("clip é.mp4: 6 files of further people are left out (clip é#200.npy, ...)")


def test_a_run_whose_record_may_be_large_exports_everyone(stored: Stored, tmp_path: Path) -> None:
    settings = JobSettings(export_formats=[job_service_pb2.EXPORT_FORMAT_NPY])
    work = lift_work(stored, tmp_path, settings, lengths=[3] * (MOST_EXPORTS + 5))
    outcome = LiftHandler(random_checkpoint(), LifterSettings(), device="cpu", most_exports=None)(work)
    assert sum(product.role == "export_npy" for product in outcome.products) == MOST_EXPORTS + 5
    assert outcome.warnings == ()


def test_fingerprints_tell_apart_what_a_stage_depends_on_and_nothing_else() -> None:
    track, lift = TrackHandler(Settings()), LiftHandler(random_checkpoint(), LifterSettings(), device="cpu")

    def changed(**chosen: object) -> list[bool]:
        tasks = Task(settings=JobSettings(**chosen)), Task()
        return [handler.fingerprint(tasks[0]) != handler.fingerprint(tasks[1]) for handler in (track, lift)]

    assert changed(layout=job_service_pb2.LAYOUT_THREE_D) == [False, False]
    assert changed(max_people=1) == [True, False]
    assert changed(native_rate=True) == [False, True]
    assert changed(export_formats=[job_service_pb2.EXPORT_FORMAT_TRC]) == [False, True]


def test_lifting_one_long_track_lives_before_it_is_done(stored: Stored, tmp_path: Path) -> None:
    told: list[int] = []
    work = lift_work(stored, tmp_path)
    work.progress = FrameCounter(told.append)
    LiftHandler(random_checkpoint(), LifterSettings(), device="cpu")(work)
    assert told[0] == 0
    assert told[-1] == 40, "frames of the video, however many people are in them"


def test_a_job_that_chooses_nothing_is_processed_as_liftline_process_does() -> None:
    local, asked = ProcessSettings(), job.JobSettings.from_proto(JobSettings())
    assert asked == local.job == job.JobSettings.from_proto(local.job.to_proto())
    assert of_job(TrackSettings, asked, max_tracks=local.machine.max_tracks) == TrackSettings()
    assert of_job(LiftSettings, asked, device=local.device) == LiftSettings()


@pytest.mark.parametrize("number", [number for number in job_service_pb2.Smoothing.values() if number])
def test_every_number_of_a_smoothing_has_one_that_runs(number: job_service_pb2.Smoothing.ValueType) -> None:
    asked = job.JobSettings.from_proto(JobSettings(smoothing=number))
    assert asked.to_proto().smoothing == number
    times_s = np.arange(30) / 30
    assert smooth(np.zeros((30, 17, 3)), times_s, of_job(LiftSettings, asked).smooth).shape == (30, 17, 3)


def test_choices_of_a_job_reach_the_stages() -> None:
    asked = job.JobSettings.from_proto(JobSettings(max_people=3, native_rate=True, focal_px=900.5))
    assert of_job(TrackSettings, asked, max_tracks=7) == TrackSettings(max_people=3, max_tracks=7)
    lifted = of_job(LiftSettings, asked, device="cuda:1")
    assert lifted == LiftSettings(native_rate=True, focal_px=900.5, device="cuda:1")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (JobSettings(smoothing=99), "smoothing: there is no 99 in this version"),  # type: ignore[arg-type]
        (JobSettings(export_formats=[99]), r"export_formats\[0\]: there is no 99 in this version"),  # type: ignore[list-item]
    ],
)
def test_choices_of_a_newer_version_are_refused(stored: Stored, tmp_path: Path, wrong: JobSettings, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LiftHandler(random_checkpoint(), LifterSettings(), device="cpu")(lift_work(stored, tmp_path, wrong))


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFTLINE_LIFTER_DEVICE", "gpu")
    with pytest.raises(UsageError, match="LIFTLINE_LIFTER_DEVICE: "):
        environment.load(LifterSettings)
