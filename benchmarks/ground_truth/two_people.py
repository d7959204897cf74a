"""The two_people recordings: their views, cameras, and what the pipeline makes of them.

Detections stay in `benchmarks/results/real_accuracy`, for all benchmarks that look at these videos.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import RESULTS, SHARED_DATA, need
from benchmarks.ground_truth.reference import CalibratedCamera, load_cameras
from liftline.progress import StopFlag
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import LocalRun, ProcessSettings

VIEWS = ("cam01", "cam02", "cam03", "cam04")
REFERENCES = SHARED_DATA / "reference"


def video_of(view: str) -> Path:
    """The recording of a view. Raises InvalidInputError where it isn't there."""
    return need(SHARED_DATA / "videos" / f"two_people_{view}.mp4")


def results_of(view: str) -> Path:
    """The folder of a view's detections and poses."""
    return RESULTS / "real_accuracy" / f"two_people_{view}"


def run_of(view: str, reporter: ConsoleReporter, settings: ProcessSettings | None = None) -> LocalRun:
    """The pipeline's run on a view; steps that were finished before are read."""
    settings = settings or ProcessSettings()
    return LocalRun(video_of(view), results_of(view), settings=settings, reporter=reporter, stop=StopFlag())


def cameras_by_view() -> dict[str, CalibratedCamera]:
    """The calibrated cameras. Raises InvalidInputError where they aren't there."""
    by_name = load_cameras(need(REFERENCES / "two_people_cameras.toml"))
    return {view: by_name[f"{view[:3]}_{view[3:]}"] for view in VIEWS}
