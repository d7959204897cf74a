"""A detector that loads and works only while files say so: `python -m tests.integration.serving.gated_service`.

GATES is a folder. Loading lasts until `load` is there, a task until `task` is; `broken` makes loading fail with what
it says: a model that is missing, or a bug.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from liftline.errors import ModelError
from liftline.jobs.naming import Stage
from liftline.pipeline.handler import LoadedService, Service, StageOutcome, Work
from liftline.ports import ModelInfo
from liftline.service.bootstrap import run_worker

GATES = Path(os.environ["GATES"])


def load() -> LoadedService:
    if (GATES / "broken").exists():
        raise {"model": ModelError("gated.tflite: not there."), "bug": ZeroDivisionError("a bug")}[
            (GATES / "broken").read_text()
        ]
    while not (GATES / "load").exists():
        time.sleep(0.01)
    model = ModelInfo("gated", "0" * 64, "MIT", "tests")
    return LoadedService({Stage.DETECT: detect, Stage.PLAN: detect}, [model])


def detect(work: Work) -> StageOutcome:
    while not (GATES / "task").exists():
        work.stop.raise_if_stopped()
        work.progress.advance()
        time.sleep(0.01)
    return StageOutcome([], frames_done=1)


if __name__ == "__main__":
    run_worker(Service("detector", [Stage.DETECT, Stage.PLAN], load))
