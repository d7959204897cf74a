"""What the record of a finished task says, whoever ran it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from liftline.jobs.manifest import SETTINGS, package_versions
from liftline.jobs.wire import model_message
from liftline.pipeline.handler import StageOutcome
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import TaskResult


def task_result(outcome: StageOutcome, artifacts: Iterable[Artifact], *, seconds: float, worker: str) -> TaskResult:
    """The result of a task whose products are stored as `artifacts`, which took `seconds`."""
    return TaskResult(
        artifacts=artifacts,
        segment_count=outcome.segment_count,
        frame_count=outcome.frame_count,
        video_sha256=outcome.video_sha256,
        video_info_json=outcome.video_info_json,
        frames_done=outcome.frames_done,
        models=[model_message(one) for one in outcome.models],
        warnings=outcome.warnings,
        seconds=seconds,
        worker=worker,
        provenance={**package_versions(), SETTINGS: json.dumps(dict(outcome.settings), sort_keys=True)},
    )
