"""Jobs for tests of the coordinating half, and what workers would make of their tasks."""

from __future__ import annotations

import hashlib

from google.protobuf.timestamp_pb2 import Timestamp

from liftline.files.output_tree import OutputTree
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef, Model
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import Failure
from liftline.v1.records_pb2 import JobRecord

KEY = JobKey("acme", "0193a2b4c5d600000000aa")
FRAMES_PER_SEGMENT = 300
TIME = Timestamp(seconds=1_700_000_000)
_TREE = OutputTree("clip.mp4")
_PRODUCTS: dict[Stage, dict[str, str]] = {
    Stage.PLAN: {"plan": ""},
    Stage.DETECT: {"detections": ""},
    Stage.TRACK: {"tracks": _TREE.tracks, "keypoint_lines": _TREE.keypoint_lines},
    Stage.LIFT: {"poses": _TREE.poses, "scene": _TREE.scene},
    Stage.RENDER: {"segment": "", "frame_index": ""},
    Stage.MUX: {"rendered": _TREE.rendered},
}


def new_record(key: JobKey = KEY, *, max_parallel: int = 4) -> JobRecord:
    """A job as a request begins it."""
    return JobRecord(
        tenant=key.tenant,
        job=key.job,
        request_id=f"request-{key.job}",
        video_name="clip.mp4",
        video=ArtifactRef(key=f"{key.prefix}input/clip.mp4", size_bytes=9),
        segment_s=10.0,
        max_parallel_segments=max_parallel,
        create_time=TIME,
    )


def product(task: TaskKey, role: str) -> bytes:
    """What a worker stores: the same whoever does it."""
    return f"{role} of {task.name}".encode()


def result_of(task: Task, *, segments: int) -> TaskResult:
    """What a worker makes of a task, all sums exact."""
    key = TaskKey.of(task.id)
    artifacts = []
    for role, path in _PRODUCTS[key.stage].items():
        data = product(key, role)
        sha256 = hashlib.sha256(data).hexdigest()
        ref = ArtifactRef(key=key.artifact(sha256), sha256=sha256, size_bytes=len(data))
        artifacts.append(Artifact(role=role, path=path, ref=ref))
    made = TaskResult(
        artifacts=artifacts,
        frames_done=FRAMES_PER_SEGMENT,
        seconds=0.5,
        worker="worker-1",
        provenance={"av": "18.0.0", "settings": f'{{"{key.stage}": 1}}'},
        warnings=[f"{key.stage} is only played."],
    )
    if key.stage is Stage.PLAN:
        made.segment_count, made.frame_count = segments, segments * FRAMES_PER_SEGMENT
        made.video_sha256, made.video_info_json = "ab" * 32, '{"exact_times": true, "video": {"codec": "h264"}}'
        made.models.append(Model(name="blazepose", sha256="cd" * 32, licence="Apache-2.0", source="mediapipe"))
    return made


def finished(task: Task, *, segments: int = 3) -> Event:
    """The event of a task that was done."""
    return Event(id=task.id, time=TIME, finished=result_of(task, segments=segments))


def failed(task: Task, reason: Failure.Reason.ValueType = Failure.REASON_INVALID_VIDEO) -> Event:
    """The event of a task that can't be done."""
    return Event(id=task.id, time=TIME, failed=Failure(reason=reason, message="clip.mp4: broken."))
