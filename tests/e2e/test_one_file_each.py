"""A lift option is a line of the proto and a field, a detector is a file: nothing else is touched, and all know it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support import CommandResult

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("", "cli", "demo", *(f"services/{name}" for name in ("detector", "gateway", "lifter", "renderer")))

PROTO_LINE = """\
  // Let people sway by so much.
  optional double sway_m = 1000;
"""
FIELD = """\
    sway_m: float = Field(default=0.5, ge=0, le=2, description="Sway by so many metres.")
"""
OPTION_REACHES_ALL = """
from liftline.client import JobSettings
from liftline.client.calls import job_request
from liftline.jobs.manifest import plain
from liftline.jobs.naming import Priority
from liftline.settings.job import of_job
from liftline.v1 import job_service_pb2 as api
from liftline_gateway.api.validation import check_creation
from liftline_lifter.stage import LiftSettings

asked = JobSettings(sway_m=1.5)
request = job_request("uploads/a", asked, priority=Priority.NORMAL, request_id="a", webhook="")
assert request.settings.sway_m == 1.5
check_creation(request, webhook_hosts=())
lifted = of_job(LiftSettings, JobSettings.from_proto(request.settings))
assert lifted.sway_m == plain(lifted)["sway_m"] == 1.5
assert of_job(LiftSettings, JobSettings.from_proto(api.JobSettings())).sway_m == 0.5
assert JobSettings.from_proto(JobSettings(sway_m=0).to_proto()).sway_m == 0

request.settings.sway_m = 9
try:
    check_creation(request, webhook_hosts=())
except Exception as error:
    print(error)
"""

DETECTOR = """\
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from liftline.detections import People
from liftline.frames import Frame
from liftline.models.catalogue import Address, ModelFile
from liftline.ports import Detector, DetectorSession, ModelInfo
from liftline.settings.checked import checked
from liftline.skeletons import COCO17
from liftline_detector.declaration import DetectorEntry, DetectorOptions

WEIGHTS = ModelFile(
    "toy-weights", "toy.bin", "MIT", "a test", Address("https://example.org/toy.bin", max_bytes=9), optional=True
)


@checked
class ToyOptions(DetectorOptions):
    sharpness: float = Field(default=1.0, ge=0, le=8, description="How sharply it looks.")


class Toy(Detector, DetectorSession):
    batch_size, max_sessions = 1, None

    def __init__(self, options: ToyOptions) -> None:
        self._sharpness = options.sharpness

    @property
    def model(self) -> ModelInfo:
        return ModelInfo(f"toy/{self._sharpness:g}", "0" * 64, "MIT", "a test")

    def start(self) -> DetectorSession:
        return self

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        keypoints = np.tile(np.array([80.0, 60.0], np.float32), (1, len(COCO17), 1))
        keypoints += np.linspace(-20, 20, len(COCO17), dtype=np.float32)[:, None]
        one = People(np.array([[60, 40, 100, 80]], np.float32), np.ones(1, np.float32), keypoints,
                     np.ones((1, len(COCO17)), np.float32))
        return [one for _ in frames]


DETECTOR = DetectorEntry("toy", "Toy", COCO17, COCO17.joints, ToyOptions, Toy, (WEIGHTS,), (WEIGHTS,))
"""
DETECTOR_REACHES_ALL = """
from liftline.v1.job_service_pb2 import CreateJobRequest, JobSettings
from liftline.v1.events_pb2 import Task
from liftline_detector.__main__ import load_service
from liftline_detector.settings import check_model, detector_settings
from liftline_gateway.api.validation import check_creation

service = load_service()
assert [model.name for model in service.models] == ["toy/3"], service.models
assert service.device == "cpu"
assert "sharpness" in detector_settings().model_fields
asked = JobSettings(detector="toy")
check_creation(CreateJobRequest(upload="uploads/a", settings=asked), webhook_hosts=())
check_model(Task(video_name="clip.mp4", settings=asked), service.models[0])
print("known")
"""


class Tree:
    """A copy of the packages, and programs that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: object, variables: Mapping[str, str] | None = None) -> CommandResult:
        """Python with the packages of the copy before those that are installed."""
        paths = os.pathsep.join(str(self.folder / package) for package in PACKAGES)
        environment = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "300", **(variables or {})}
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=self.folder, timeout=120, check=False
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def liftline(self, *arguments: object) -> CommandResult:
        return self.run("-m", "liftline_cli.main", *arguments)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    listed = subprocess.run(
        ["git", "ls-files", "--", "liftline", "services", "cli", "demo", "protos"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    for name in listed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    copy = Tree(tmp_path)
    where = copy.run("-c", "import liftline, liftline_detector; print(liftline.__file__, liftline_detector.__file__)")
    assert where.stdout.count(str(tmp_path)) == 2, where
    return copy


def insert(path: Path, line: str, *, after: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(after) == 1
    path.write_text(text.replace(after, f"{after}{line}"), "utf-8")


def test_a_lift_option_is_a_line_of_the_proto_and_a_field(tree: Tree) -> None:
    insert(
        tree.folder / "protos/liftline/v1/job_service.proto", PROTO_LINE, after="  optional bool lock_feet = 15;\n"
    )  # fmt: skip
    insert(
        tree.folder / "liftline/settings/job.py", FIELD,
        after='    lock_feet: bool = Field(default=True, description="Keep feet in place while they stand.")\n',
    )  # fmt: skip
    assert tree.run("protos/generate.py").exit_code == 0

    told = tree.run("-c", OPTION_REACHES_ALL)
    assert told.exit_code == 0, told.stderr
    assert told.stdout == "settings.sway_m: 0 to 2 metres, not 9.0.\n"
    for command in ("process", "lift", "submit"):
        shown = tree.liftline(command, "--help").stdout
        assert "--sway-m" in shown
        assert "Sway by so many metres." in shown
    refused = tree.liftline("process", "clip.mp4", "--sway-m", "9")
    assert refused.exit_code == 2
    assert "--sway-m" in refused.stderr


def test_a_detector_is_a_file(tree: Tree, blank_video: Callable[..., Path], tmp_path: Path) -> None:
    entry = tree.folder / "services/detector/liftline_detector/toy/entry.py"
    entry.parent.mkdir()
    entry.write_text(DETECTOR, "utf-8")

    shown = tree.liftline("process", "--help").stdout
    assert "<auto|blazepose|detectron2|movenet|rtmo|rtmpose|toy|vitpose>" in shown
    assert "Toy: how sharply it looks. [default: 1.0]" in shown
    assert "toy" in tree.liftline("submit", "--help").stdout
    listed = json.loads(tree.liftline("models", "list", "--json").stdout)
    assert "toy-weights" in [model["name"] for model in listed["models"]]

    found = tree.liftline(
        "detect", blank_video(), "--output-dir", tmp_path / "out", "--detector", "toy", "--sharpness", "2", "--json"
    )
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout)["people"] == 1
    refused = tree.liftline("detect", "clip.mp4", "--sharpness", "2")
    assert (refused.exit_code, "only Toy knows it" in refused.stderr) == (2, True)

    variables = {"LIFTLINE_DETECTOR_BACKEND": "toy", "LIFTLINE_DETECTOR_SHARPNESS": "3"}
    served = tree.run("-c", DETECTOR_REACHES_ALL, variables=variables)
    assert (served.exit_code, served.stdout) == (0, "known\n"), served.stderr
