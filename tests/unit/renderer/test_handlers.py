"""The renderer's handlers: segments drawn and joined as tasks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest

from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline.adapters.folder_store import FolderStore
from liftline.errors import Cancelled, InvalidArtifactError, InvalidVideoError, UsageError
from liftline.files.atomic import sha256_file
from liftline.jobs.naming import Stage
from liftline.pipeline.handler import StageOutcome
from liftline.pipeline.segment_files import AHEAD
from liftline.progress import FrameCounter, StopFlag
from liftline.settings import job
from liftline.settings.job import of_job
from liftline.v1 import job_service_pb2
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Task, TaskId, TaskResult
from liftline.v1.job_service_pb2 import JobSettings
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_cli.local.process_settings import ProcessSettings
from liftline_renderer._recent_poses import RecentPoses
from liftline_renderer.encoding import frame_index
from liftline_renderer.handlers import MuxHandler, RenderHandler
from liftline_renderer.layout import RenderSettings, panes
from tests.folder_work import FolderWork
from tests.unit.renderer.walking_poses import Walker, poses_of, room_of

WIDTH, HEIGHT, FRAMES, RATE, NAME = 160, 120, 40, 20, "clip é.mp4"


class Stored:
    """A job whose video is planned and lifted, in a store."""

    def __init__(self, folder: Path, video: Path) -> None:
        self.folder, self.store = folder, FolderStore(folder / "store")
        self.plan = plan_video(local_opener(video), name=NAME, segment_s=0.2, stop=StopFlag())
        self.poses = poses_of(Walker(1), width_px=WIDTH, height_px=HEIGHT, frames=FRAMES, rate=RATE)
        plan_file.save(folder / "plan.npz", self.plan)
        poses_file.save(folder / "poses.npz", self.poses)
        scene_file.save(folder / "scene.json", room_of(self.poses))
        paths = {"video": video, **{name: folder / f"{name}.npz" for name in ("plan", "poses")}}
        self.inputs = [self.put(role, path) for role, path in {**paths, "scene": folder / "scene.json"}.items()]

    def put(self, role: str, path: Path) -> Artifact:
        ref = ArtifactRef(key=f"{role}/{path.name}", sha256=sha256_file(path), size_bytes=path.stat().st_size)
        self.store.put_file(ref.key, path)
        return Artifact(role=role, ref=ref)

    def work(self, stage: Stage, number: int = 0, *, layout: int = 0, parts: list[TaskResult] | None = None):
        folder = self.folder / f"{stage}-{number}"
        folder.mkdir(exist_ok=True)
        identity = TaskId(tenant="local", job="j", stage=stage.wire, number=number)
        settings = JobSettings(layout=layout)  # type: ignore[arg-type]
        return FolderWork(
            Task(id=identity, video_name=NAME, settings=settings, inputs=self.inputs), folder, self.store, parts or []
        )

    def render(self, *, handler: RenderHandler | None = None, layout: int = 0) -> list[TaskResult]:
        handler, results = handler or RenderHandler(), []
        for number in range(len(self.plan.segments)):
            outcome = handler(self.work(Stage.RENDER, number, layout=layout))
            results.append(self.result(outcome, number))
        return results

    def result(self, outcome: StageOutcome, number: int) -> TaskResult:
        made = []
        for product in outcome.products:
            named = product.path.with_name(f"{number}-{product.path.name}")
            made.append(self.put(product.role, product.path.rename(named)))
        return TaskResult(artifacts=made, frames_done=outcome.frames_done)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a moving gradient, with a tone."""
    path = tmp_path_factory.mktemp("clip") / "source.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(RATE), options={"g": "10"})
        tone = container.add_stream("aac", rate=48_000)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            rgb[..., 0], rgb[..., 1] = np.arange(WIDTH), 5 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        wave = np.sin(np.arange(2 * 48_000) * 0.05).astype(np.float32)[None]
        sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        sound.sample_rate = 48_000
        container.mux([*stream.encode(None), *tone.encode(sound), *tone.encode(None)])
    return path


@pytest.fixture
def stored(tmp_path: Path, video: Path) -> Stored:
    """In ten segments of four frames."""
    return Stored(tmp_path, video)


def frames_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def test_a_segment_is_drawn_with_the_frames_told_beside_it(stored: Stored) -> None:
    work = stored.work(Stage.RENDER, 2)
    outcome = RenderHandler()(work)
    paths = {product.role: product.path for product in outcome.products}
    assert all(not product.tree_path for product in outcome.products)
    assert frame_index.load(paths["frame_index"]).tolist() == [8, 9, 10, 11]
    assert len(frames_of(paths["segment"])) == outcome.frames_done == 4
    assert outcome.settings == {"render": {"layout": "side-by-side", "overlay": "poses", "max_height_px": None}}


def test_drawn_segments_become_one_video_with_its_sound(stored: Stored) -> None:
    parts = stored.render()
    work = stored.work(Stage.MUX, parts=parts)
    work.progress = progress = FrameCounter()
    outcome = MuxHandler()(work)
    (product,) = outcome.products
    assert (product.role, product.tree_path) == ("rendered", "output_videos/clip é.mp4")
    assert frames_of(product.path) == pytest.approx([n / RATE for n in range(FRAMES)])
    with av.open(str(product.path)) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == ["aac"]
    assert (progress.frames, outcome.frames_done, outcome.warnings) == (FRAMES, FRAMES, ())
    assert work.most_files <= 1 + AHEAD + 1, "the plan, and few segments at a time"


def missing(stored: Stored, parts: list[TaskResult], numbers: list[int], folder: Path) -> None:
    """As if nothing of these segments could be decoded."""
    nothing, index = folder / "nothing.mp4", folder / "nothing.npy"
    nothing.touch()
    frame_index.save(index, np.zeros(0, np.int64))
    for number in numbers:
        made = [stored.put("segment", nothing), stored.put("frame_index", index)]
        parts[number] = TaskResult(artifacts=made)


def test_frames_that_cannot_be_decoded_are_told_of_in_local_modes_words(stored: Stored, tmp_path: Path) -> None:
    parts = stored.render()
    missing(stored, parts, [0, 5], tmp_path)
    outcome = MuxHandler()(stored.work(Stage.MUX, parts=parts))
    assert outcome.warnings == (
        "clip é.mp4: 8 of 40 frames can't be decoded (damaged or cut short) and are left out of the result.",
    )
    assert len(frames_of(outcome.products[0].path)) == FRAMES - 8


def test_a_video_of_which_nothing_decodes_ends_as_invalid(stored: Stored, tmp_path: Path) -> None:
    parts = stored.render()
    missing(stored, parts, list(range(10)), tmp_path)
    with pytest.raises(InvalidVideoError, match="none of its frames can be decoded"):
        MuxHandler()(stored.work(Stage.MUX, parts=parts))


@pytest.mark.parametrize("stage", [Stage.RENDER, Stage.MUX])
def test_work_stops_when_told(stored: Stored, stage: Stage) -> None:
    work = stored.work(stage, parts=stored.render())
    work.stop = StopFlag()
    work.stop.stop()
    with pytest.raises(Cancelled):
        {Stage.RENDER: RenderHandler, Stage.MUX: MuxHandler}[stage]()(work)


def test_joining_lives_before_it_is_done(stored: Stored) -> None:
    told: list[int] = []
    work = stored.work(Stage.MUX, parts=stored.render())
    work.progress = FrameCounter(told.append)
    MuxHandler()(work)
    assert told.index(FRAMES) >= 10, "at every segment at least"
    assert told[-1] == FRAMES


def test_poses_are_read_once_for_all_segments_of_a_video(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    recent = RecentPoses()
    first = recent.of(stored.work(Stage.RENDER, 0))
    assert recent.of(stored.work(Stage.RENDER, 1)) is first
    assert first.track_ids.tolist() == stored.poses.track_ids.tolist()


def test_poses_of_few_videos_are_kept(stored: Stored, tmp_path: Path) -> None:
    recent, works = RecentPoses(kept=2), []
    for people in (1, 2, 3):
        poses = poses_of(*(Walker(n + 1) for n in range(people)), width_px=WIDTH, height_px=HEIGHT, frames=4, rate=RATE)
        poses_file.save(tmp_path / f"{people}.npz", poses)
        stored.inputs = [stored.put("poses", tmp_path / f"{people}.npz")]
        works.append(stored.work(Stage.RENDER, people))
    found = [recent.of(work) for work in works]
    assert [len(poses) for poses in found] == [1, 2, 3]
    assert recent.of(works[2]) is found[2]
    assert recent.of(works[0]) is not found[0]


def asked(message: JobSettings) -> RenderSettings:
    return of_job(RenderSettings, job.JobSettings.from_proto(message))


def test_a_job_that_chooses_nothing_is_rendered_as_liftline_process_does() -> None:
    assert asked(JobSettings()) == asked(ProcessSettings().job.to_proto()) == RenderSettings()


@pytest.mark.parametrize("number", [number for number in job_service_pb2.Layout.values() if number])
def test_every_number_of_a_layout_has_one_that_is_drawn(number: job_service_pb2.Layout.ValueType) -> None:
    layout = asked(JobSettings(layout=number)).layout
    assert job.JobSettings(layout=layout).to_proto().layout == number
    assert panes(640, 480, RenderSettings(layout)).width > 0


@pytest.mark.parametrize("number", [number for number in job_service_pb2.Overlay.values() if number])
def test_every_number_of_an_overlay_has_one_that_is_drawn(number: job_service_pb2.Overlay.ValueType) -> None:
    overlay = asked(JobSettings(overlay=number)).overlay
    assert overlay in get_args(job.Overlay)
    assert job.JobSettings(overlay=overlay).to_proto().overlay == number


def test_a_job_draws_the_overlay_it_asks_for_and_is_drawn_anew_for_another(stored: Stored) -> None:
    handler, tasks = RenderHandler(), [stored.work(Stage.RENDER, 2) for _ in range(2)]
    tasks[1].task.settings.overlay = job_service_pb2.OVERLAY_KEYPOINTS
    assert handler.fingerprint(tasks[0].task) != handler.fingerprint(tasks[1].task)
    drawn = []
    for work in tasks:
        (segment,) = (product.path for product in handler(work).products if product.role == "segment")
        with av.open(str(segment)) as container:
            drawn.append([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert len(drawn[0]) == len(drawn[1]) == 4
    for poses, keypoints in zip(*drawn, strict=True):
        off = np.abs(poses.astype(int) - keypoints).max(axis=2)
        assert (off[:, :WIDTH] > 60).sum() > 20
        assert off[:, WIDTH + 16 :].mean() < 3, "the 3D view is the same but for compression"


def test_a_layout_of_a_newer_version_is_refused() -> None:
    with pytest.raises(UsageError, match="layout: there is no 99 in this version"):
        asked(JobSettings(layout=99))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content", [b"", b"not npy", np.array([3, 2]).tobytes()], ids=["empty", "text", "numbers without a header"]
)
def test_a_damaged_frame_index_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.npy").write_bytes(content)
    with pytest.raises(InvalidArtifactError, match="render the segment again"):
        frame_index.load(tmp_path / "index.npy")


@pytest.mark.parametrize("values", [[3, 2], [1, 1], [[1, 2]], [1.0, 2.0]])
def test_a_frame_index_rises(tmp_path: Path, values: list[float]) -> None:
    with (tmp_path / "index.npy").open("wb") as file:
        np.lib.format.write_array(file, np.array(values))
    with pytest.raises(InvalidArtifactError, match="render the segment again"):
        frame_index.load(tmp_path / "index.npy")


def test_a_frame_index_comes_back_as_it_was(tmp_path: Path) -> None:
    frame_index.save(tmp_path / "index.npy", np.array([4, 5, 7]))
    assert frame_index.load(tmp_path / "index.npy").tolist() == [4, 5, 7]
