"""Results that don't fit their job fail it, instead of breaking the stages after it or reaching into other jobs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline import state
from liftline.pipeline.result_checks import problem_with_result
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Task, TaskResult
from tests.unit.gateway.jobs import KEY, finished, new_record, result_of


def result(stage: Stage) -> TaskResult:
    return result_of(Task(id=TaskKey(KEY, stage).wire), segments=3)


@pytest.mark.parametrize("stage", Stage)
def test_what_workers_make_fits(stage: Stage) -> None:
    assert problem_with_result(new_record(), stage, result(stage)) is None


def set_key(key: str) -> Callable[[TaskResult], None]:
    return lambda made: setattr(made.artifacts[0].ref, "key", key)


def set_path(path: str) -> Callable[[TaskResult], None]:
    return lambda made: setattr(made.artifacts[0], "path", path)


SPOILED: list[tuple[Callable[[TaskResult], None], str]] = [
    (set_key("tenants/other/jobs/x/work/lift-0/abc"), "isn't the job's"),
    (set_key(f"{KEY.tree}poses_3d/clip.npz"), "isn't the job's"),
    (set_key(f"{KEY.work}lift-0/../../../../other"), "isn't the job's"),
    (set_path("../other"), "no place in the output tree"),
    (set_path("/etc/passwd"), "no place in the output tree"),
    (set_path("a//b"), "no place in the output tree"),
    (set_path("manifest.json"), "no place in the output tree"),
    (set_path("poses_3d/clip.scene.json"), "another one takes"),
    (lambda made: setattr(made.artifacts[0].ref, "sha256", "nonsense"), "checksum"),
    (lambda made: setattr(made.artifacts[0].ref, "size_bytes", -1), "size"),
    (lambda made: made.artifacts.pop(), "made no scene"),
    (lambda made: setattr(made, "video_info_json", "[1]"), "JSON"),
    (lambda made: setattr(made, "video_info_json", '{"fps": NaN}'), "JSON"),
    (lambda made: setattr(made, "video_info_json", "[" * 50_000), "JSON"),
    (lambda made: made.provenance.update({"settings": "{"}), "JSON"),
    (lambda made: made.warnings.append("x" * 200_000), "bytes"),
]


@pytest.mark.parametrize(("spoil", "told"), SPOILED)
def test_what_does_not_fit_is_told(spoil: Callable[[TaskResult], object], told: str) -> None:
    made = result(Stage.LIFT)
    spoil(made)
    problem = problem_with_result(new_record(), Stage.LIFT, made)
    assert problem is not None
    assert told in problem
    assert problem.startswith("lift ")


def test_two_stages_cannot_take_the_same_place() -> None:
    record, tasks = state.begin(new_record())
    record, tasks = state.advance(record, finished(tasks[0], segments=1))
    record, tasks = state.advance(record, finished(tasks[0]))
    record, tasks = state.advance(record, finished(tasks[0]))
    event = finished(tasks[0])
    event.finished.artifacts[0].path = "custom_data/tracks_clip.npz"
    record, _ = state.advance(record, event)
    assert "another one takes" in record.failure.message


def test_files_of_segments_may_have_no_place() -> None:
    made = result(Stage.DETECT)
    made.artifacts.append(
        Artifact(role="more", ref=ArtifactRef(key=f"{KEY.work}detect-0/{'ab' * 32}", sha256="ab" * 32))
    )
    assert problem_with_result(new_record(), Stage.DETECT, made) is None
