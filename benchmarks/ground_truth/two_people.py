"""The two_people recordings: their views, cameras, and what the pipeline makes of them.

Detections stay in `benchmarks/results/real_accuracy`, for all benchmarks that look at these videos.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import RESULTS, SHARED_DATA, need
from benchmarks.ground_truth.reference import CalibratedCamera, load_cameras
from liftline import poses as poses_file
from liftline import tracks as tracks_file
from liftline.files.output_tree import OutputTree
from liftline.jobs.naming import Stage
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.tracks import Tracks
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.local.process import ProcessSettings, run_stages

VIEWS = ("cam01", "cam02", "cam03", "cam04")
REFERENCES = SHARED_DATA / "reference"


def video_of(view: str) -> Path:
    """The recording of a view. Raises InvalidInputError where it isn't there."""
    return need(SHARED_DATA / "videos" / f"two_people_{view}.mp4")


def results_of(view: str) -> Path:
    """The folder of a view's detections and poses."""
    return RESULTS / "real_accuracy" / f"two_people_{view}"


def tracks_of(view: str, reporter: ConsoleReporter) -> Tracks:
    """The pipeline's 2D tracks of a view; steps that were finished before are read."""
    _run(view, reporter, ProcessSettings(), until=Stage.TRACK)
    return tracks_file.load(results_of(view) / OutputTree(video_of(view).name).tracks)


def poses_of(view: str, reporter: ConsoleReporter, settings: ProcessSettings) -> Poses:
    """Everyone's 3D poses in a view, as `liftline process` makes them, without rendering."""
    _run(view, reporter, settings, until=Stage.LIFT)
    return poses_file.load(results_of(view) / OutputTree(video_of(view).name).poses)


def last_poses() -> dict[str, Poses]:
    """Everyone's 3D poses by view, as the last `benchmarks.real_accuracy` left them. Raises InvalidInputError: none."""
    return {view: poses_file.load(need(results_of(view) / "poses_3d" / f"two_people_{view}.npz")) for view in VIEWS}


def _run(view: str, reporter: ConsoleReporter, settings: ProcessSettings, *, until: Stage) -> None:
    run_stages(video_of(view), results_of(view), settings=settings, reporter=reporter, stop=StopFlag(), until=until)


def cameras_by_view() -> dict[str, CalibratedCamera]:
    """The calibrated cameras. Raises InvalidInputError where they aren't there."""
    by_name = load_cameras(need(REFERENCES / "two_people_cameras.toml"))
    return {view: by_name[f"{view[:3]}_{view[3:]}"] for view in VIEWS}
