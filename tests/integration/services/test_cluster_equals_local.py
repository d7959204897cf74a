"""The services' handlers, each task on its own and in any order, make of a video what `liftline process` makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from rich.console import Console

from liftline import detections as detections_file
from liftline import poses as poses_file
from liftline import tracks as tracks_file
from liftline.files.frame_files import read_keypoint_lines, write_frame_files
from liftline.files.output_tree import OutputTree
from liftline.jobs.manifest import manifest_of
from liftline.jobs.naming import Stage, TaskKey, artifact
from liftline.pipeline.handler import StageHandler
from liftline.pipeline.local.run import JOB as LOCAL_JOB
from liftline.progress import StopFlag
from liftline.settings.job import JobSettings as Choices
from liftline.settings.machine import Settings
from liftline.v1.job_service_pb2 import (
    EXPORT_FORMAT_CSV,
    EXPORT_FORMAT_TRC,
    OVERLAY_KEYPOINTS,
    OVERLAY_POSES,
    JobSettings,
)
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import ProcessSettings, run_stages
from liftline_demo.mannequin.clip import Clip, render_clip
from liftline_detector.__main__ import load_service as detector
from liftline_lifter.__main__ import load_service as lifter
from liftline_renderer.handlers import renderer_service as renderer
from tests.folder_work import JOB, FolderJob

SEGMENT_S = 2.0
FOOTBALL_S = 4.5

OVERLAYS = {"poses": OVERLAY_POSES, "keypoints": OVERLAY_KEYPOINTS}


@dataclass(frozen=True)
class Both:
    """One video, processed in this process and by the services."""

    video: Path
    local: Path
    cluster: Path
    job: FolderJob

    @property
    def tree(self) -> OutputTree:
        return OutputTree(self.video.name)

    def manifests(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return json.loads((self.local / "manifest.json").read_text()), manifest_of(self.job.record)


@pytest.fixture(scope="module")
def handlers() -> dict[Stage, StageHandler]:
    """Of all three services, loaded as their processes load them."""
    return {stage: handler for load in (detector, lifter, renderer) for stage, handler in load().handlers.items()}


@pytest.fixture(scope="module")
def mannequin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody walks for four and a half seconds."""
    path = tmp_path_factory.mktemp("mannequin") / "walk é.mp4"
    render_clip(path, Clip(36, Fraction(8), (320, 240)))
    return path


@pytest.fixture(scope="module")
def football(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first four and a half seconds of a real video, as they are."""
    path = tmp_path_factory.mktemp("football") / "football_juggle.mp4"
    with av.open(str(shared_data / "videos" / "football_juggle.mp4")) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is not None and packet.pts * stream.time_base < FOOTBALL_S:
                packet.stream = copy
                target.mux(packet)
    return path


@pytest.fixture(
    scope="module",
    params=[
        ("mannequin", "poses"),
        pytest.param(("mannequin", "keypoints"), marks=pytest.mark.slow),
        pytest.param(("football", "poses"), marks=(pytest.mark.shared_data, pytest.mark.slow)),
    ],
    ids="-".join,
)
def both(
    request: pytest.FixtureRequest, handlers: dict[Stage, StageHandler], tmp_path_factory: pytest.TempPathFactory
) -> Both:
    """Both results of one video, in segments of two seconds."""
    name, overlay = request.param
    video, folder = request.getfixturevalue(name), tmp_path_factory.mktemp(name)
    choices = Choices(export=("csv", "trc"), overlay=overlay)
    settings = ProcessSettings(job=choices, machine=Settings(segment_s=SEGMENT_S))
    reporter = ConsoleReporter(Console(quiet=True), quiet=True)
    run_stages(video, folder / "local", settings=settings, reporter=reporter, stop=StopFlag())
    wanted = JobSettings(export_formats=[EXPORT_FORMAT_CSV, EXPORT_FORMAT_TRC], overlay=OVERLAYS[overlay])
    job = FolderJob.of(video, folder / "cluster", settings=wanted, segment_s=SEGMENT_S)
    job.run(handlers, seed=7)
    return Both(video, folder / "local", job.outputs(folder / "downloaded"), job)


def test_the_job_comes_to_its_end_in_several_segments(both: Both) -> None:
    assert both.job.record.publishing
    assert both.job.record.segment_count >= 3


def test_every_segment_has_the_same_detections(both: Both, tmp_path: Path) -> None:
    folder = both.local / ".liftline" / both.video.name / LOCAL_JOB.work
    rows = 0
    for number in range(both.job.record.segment_count):
        stored = artifact(both.job.results[TaskKey(JOB, Stage.DETECT, number)].artifacts, "detections")
        assert stored is not None
        both.job.store.get_file(stored.ref.key, tmp_path / "detections.npz")
        (own,) = (folder / f"detect-{number}").iterdir()
        mine, theirs = (detections_file.load(path) for path in (own, tmp_path / "detections.npz"))
        assert_equal_fields(mine, theirs, "frame_index", "boxes_px", "scores", "keypoints_px", "keypoint_scores")
        np.testing.assert_array_equal(mine.thumbnails.grey, theirs.thumbnails.grey)
        rows += len(mine)
    assert rows > 0.9 * both.job.record.frame_count, "somebody is in nearly every frame"


def test_tracks_are_the_same(both: Both) -> None:
    mine, theirs = (tracks_file.load(root / both.tree.tracks) for root in (both.local, both.cluster))
    assert len(mine) >= 1
    assert_equal_fields(mine, theirs, *(field.name for field in fields(mine)))


def test_poses_are_the_same_within_a_tenth_of_a_millimetre(both: Both) -> None:
    mine, theirs = (poses_file.load(root / both.tree.poses) for root in (both.local, both.cluster))
    for name in ("joints_m", "root_cam_m"):
        apart = np.abs(getattr(mine, name) - getattr(theirs, name)).max()
        assert apart <= 1e-4, f"{name}: {apart} m apart"


def test_the_rendered_video_has_the_same_pictures_at_the_same_times(both: Both) -> None:
    mine, theirs = (list(pictures(root / both.tree.rendered)) for root in (both.local, both.cluster))
    assert len(mine) == len(theirs) == both.job.record.frame_count
    assert [at for at, _ in mine] == [at for at, _ in theirs]
    assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(mine, theirs, strict=True))


def test_the_rendered_video_has_the_same_sound(both: Both) -> None:
    mine, theirs = (sound(root / both.tree.rendered) for root in (both.local, both.cluster))
    assert mine == theirs


def test_files_for_others_have_the_same_bytes(both: Both) -> None:
    tree = both.tree
    stem = Path(tree.poses).with_suffix("")
    for place in (tree.custom_dataset, tree.detectron_file, tree.scene, f"{stem}.csv", f"{stem}.trc"):
        assert (both.local / place).read_bytes() == (both.cluster / place).read_bytes(), place


def test_keypoint_lines_become_the_same_files(both: Both, tmp_path: Path) -> None:
    written = write_frame_files(tmp_path, read_keypoint_lines(both.cluster / both.tree.keypoint_lines))
    theirs = {name: (tmp_path / name).read_bytes() for name in written}
    mine = {path.name: path.read_bytes() for path in (both.local / both.tree.keypoints).glob("*.json")}
    assert len(mine) == both.job.record.frame_count
    assert mine == theirs


def test_the_manifest_tells_the_same_but_for_when_and_how_long(both: Both) -> None:
    mine, theirs = both.manifests()
    assert mine.keys() == theirs.keys()
    for name in ("schema_version", "liftline", "python", "packages", "input", "models", "warnings"):
        assert mine[name] == theirs[name], name
    assert mine["settings"] == {**theirs["settings"], "overwrite": False}
    assert mine["seconds"].keys() == theirs["seconds"].keys()


def test_the_manifest_names_the_same_files(both: Both) -> None:
    mine, theirs = (manifest["files"] for manifest in both.manifests())
    frames = {name for name in mine if name.endswith("_keypoints.json")}
    assert mine.keys() - frames == theirs.keys() - {both.tree.keypoint_lines}
    same = mine.keys() - frames - {both.tree.rendered, both.tree.poses}
    assert {name: mine[name] for name in same} == {name: theirs[name] for name in same}


def test_a_join_holds_few_segments_on_its_disk_at_a_time(both: Both) -> None:
    assert both.job.works[TaskKey(JOB, Stage.MUX)].most_files <= 2 + 5 + 1


def assert_equal_fields(mine: object, theirs: object, *names: str) -> None:
    for name in names:
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)


def pictures(path: Path) -> Iterator[tuple[Fraction, np.ndarray]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            yield frame.pts * frame.time_base, frame.to_ndarray()


def sound(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size]
