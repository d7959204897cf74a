"""Whether what a worker made fits the job: nothing of it is believed that would break the stages after it."""

from __future__ import annotations

import re

from pydantic_core import from_json

from liftline.files.output_tree import MANIFEST
from liftline.files.store_keys import check_key
from liftline.jobs.manifest import SETTINGS
from liftline.jobs.naming import SEGMENTED, JobKey, Stage
from liftline.pipeline.next_tasks import MAKES
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import TaskResult
from liftline.v1.records_pb2 import JobRecord

LARGEST_SEGMENT_COUNT = 20_000
LARGEST_RESULT_BYTES = 100_000
"""A record holds four results and must stay below NATS' megabyte."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def problem_with_result(
    record: JobRecord, stage: Stage, result: TaskResult, *, largest_bytes: int | None = LARGEST_RESULT_BYTES
) -> str | None:
    """What is wrong with a stage's result; None where it can be used. `largest_bytes`: None where any size is fine."""
    if largest_bytes is not None and result.ByteSize() > largest_bytes:
        return f"{stage} answered with {result.ByteSize()} bytes, more than {largest_bytes}."
    if stage is Stage.PLAN and not 1 <= result.segment_count <= LARGEST_SEGMENT_COUNT:
        return (
            f"plan cut the video into {result.segment_count} segments, where 1 to {LARGEST_SEGMENT_COUNT} can be "
            "worked on; use longer segments."
        )
    if not all(map(_is_json_object, (result.video_info_json, result.provenance.get(SETTINGS, "")))):
        return f"{stage} told its settings, or those of the video, in something else than a JSON object."
    missing = set(MAKES.get(stage, ())) - {one.role for one in result.artifacts}
    if missing:
        return f"{stage} made no {', '.join(sorted(missing))}."
    taken = {one.path for one in record.artifacts}
    for artifact in result.artifacts:
        problem = _problem(record, artifact, taken if stage not in SEGMENTED else set())
        if problem is not None:
            return f"{stage} made a {artifact.role} {problem}."
        taken.add(artifact.path)
    return None


def _problem(record: JobRecord, artifact: Artifact, taken: set[str]) -> str | None:
    ref, path = artifact.ref, artifact.path
    job = JobKey(record.tenant, record.job)
    if not ref.key.startswith(job.work) or not _is_key(ref.key):
        return f"at {ref.key}, which isn't the job's"
    if not _SHA256.fullmatch(ref.sha256) or ref.size_bytes < 0:
        return "without a checksum and a size"
    if path and (path == MANIFEST or not _is_key(f"{job.tree}{path}")):
        return f"for {path}, which is no place in the output tree"
    if path and path in taken:
        return f"for {path}, which another one takes"
    return None


def _is_key(text: str) -> bool:
    try:
        check_key(text)
    except ValueError:
        return False
    return True


def _is_json_object(text: str) -> bool:
    """Whether a text is empty or a JSON object."""
    try:
        return not text or isinstance(from_json(text, allow_inf_nan=False), dict)
    except ValueError:
        return False
