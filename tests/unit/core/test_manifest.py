"""A manifest from plain values: what it tells, and which video it is of."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from liftline import __version__
from liftline.jobs.manifest import is_of, manifest_of, package_versions, plain
from liftline.jobs.naming import Stage
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef, Model
from liftline.v1.records_pb2 import JobRecord, StageRecord
from liftline.video.opening import VideoLimits


def made(**changes: object) -> dict[str, object]:
    values = {
        "video_name": "clip.mp4", "video_sha256": "ab" * 32, "frame_count": 3, "segment_count": 1,
        "video_info_json": json.dumps({"exact_times": True, "video": {"codec": "h264"}}),
        "models": [Model(name="blazepose", sha256="cd" * 32, licence="Apache-2.0", source="mediapipe")],
        "artifacts": [
            Artifact(path="b.npz", ref=ArtifactRef(sha256="2")), Artifact(path="a.npz", ref=ArtifactRef(sha256="1")),
            Artifact(role="plan", ref=ArtifactRef(sha256="3")),
        ],
        "stages": [StageRecord(stage=Stage.PLAN.wire, work_s=0.12345)], "warnings": ["careful"],
        "provenance": {
            "plan.liftline": "9.9", "plan.python": "3.99", "plan.av": "18.0", "lift.av": "19.0",
            "plan.settings": '{"segment_s": 2.0}', "lift.settings": '{"causal": false}',
        },
        "update_time": Timestamp(seconds=1_700_000_000),
    }  # fmt: skip
    return manifest_of(JobRecord(**{**values, **changes}))


def test_it_is_json_with_files_in_order_and_what_the_video_was() -> None:
    told = json.loads(json.dumps(made(), allow_nan=False))
    assert list(told["files"]) == ["a.npz", "b.npz"]
    assert told["input"] == {
        "file": "clip.mp4", "sha256": "ab" * 32, "frames": 3, "segments": 1, "exact_times": True,
        "video": {"codec": "h264"},
    }  # fmt: skip
    assert told["models"] == [
        {"name": "blazepose", "sha256": "cd" * 32, "licence": "Apache-2.0", "source": "mediapipe"}
    ]
    assert told["seconds"] == {"plan": 0.123}
    assert told["settings"] == {"segment_s": 2.0, "causal": False}
    assert told["finished_at"] == "2023-11-14T22:13:20+00:00"


def test_a_tree_may_hold_other_files_than_the_jobs_artifacts() -> None:
    assert manifest_of(JobRecord(), files={"b": "2", "a": "1"})["files"] == {"a": "1", "b": "2"}


def test_versions_are_those_of_where_the_work_was_done() -> None:
    told = made()
    assert (told["liftline"], told["python"]) == ("9.9", "3.99")
    assert told["packages"]["av"] == "18.0"
    assert told["packages"]["torch"] is None


def test_this_installation_knows_its_versions() -> None:
    versions = package_versions()
    assert (versions["liftline"], versions["av"]) == (__version__, av.__version__)
    assert None not in versions.values()


@pytest.mark.parametrize(
    ("text", "sha256", "answer"),
    [
        (json.dumps(made()).encode(), "ab" * 32, True),
        (json.dumps(made()).encode(), "cd" * 32, False),
        (b"", "ab" * 32, False),
        (b"\xff\xfe", "ab" * 32, False),
        (b"[]", "ab" * 32, False),
        (b'{"input": null}', "ab" * 32, False),
    ],
)
def test_whether_a_text_is_the_manifest_of_a_video(text: bytes, sha256: str, answer: bool) -> None:
    assert is_of(text, sha256) is answer


def test_settings_become_plain_values() -> None:
    limits = {"max_pixels": 1, "max_frames": 2, "max_duration_s": 3.5, "max_memory_mb": 4}
    assert plain(VideoLimits(**limits)) == limits
    assert plain(Path("a/b")) == "a/b"
    assert plain(None) is None
