"""The command line offers exactly what the stages can do, and loads no model library to say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import TypeAdapter
from typer.testing import CliRunner

from liftline.errors import UsageError
from liftline.settings.checked import field_infos
from liftline.settings.job import JobSettings, of_job
from liftline.settings.machine import Settings
from liftline_cli.local.process_settings import ProcessSettings
from liftline_cli.main import app
from liftline_cli.options.detector import ChosenDetector, with_detector
from liftline_cli.options.job import Chosen, parse_heights, parse_list, with_job
from liftline_detector.blazepose.entry import BlazePoseChoices
from liftline_detector.keypoint_rcnn.options import KeypointRcnnOptions
from liftline_detector.registry import find_detector, names
from liftline_lifter.stage import LiftSettings

OFFERED = [name for name in field_infos(JobSettings) if name != "detector"]


def chosen(*arguments: str) -> JobSettings:
    """What a command with all options makes of these."""
    made = list[JobSettings]()

    @with_job(*OFFERED)
    def command(chosen: Chosen) -> None:
        made.append(chosen.job())

    offering = typer.Typer()
    offering.command()(command)
    result = CliRunner().invoke(offering, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return made[0]


def test_what_is_not_chosen_is_the_default() -> None:
    assert chosen() == JobSettings()
    assert of_job(LiftSettings, chosen(), device="cpu") == LiftSettings()


def test_every_choice_of_lifting_reaches_the_lifter_here_and_through_a_job() -> None:
    asked = chosen(
        "--smooth", "none", "--native-rate", "--fov", "70", "--person-height", "1.8", "--person-height", "2=1.62",
        "--person-height", "7=1.1", "--no-common-floor", "--no-repair-sides", "--no-reject-outliers",
        "--no-constant-bones", "--no-lock-feet",
    )  # fmt: skip
    here = of_job(LiftSettings, asked, device="cpu")
    assert here == LiftSettings(
        smooth="none", native_rate=True, fov_deg=70.0, person_height_m=1.8, person_heights_m={2: 1.62, 7: 1.1},
        common_floor=False, repair_sides=False, reject_outliers=False, constant_bones=False, lock_feet=False,
    )  # fmt: skip
    assert of_job(LiftSettings, JobSettings.from_proto(asked.to_proto()), device="cpu") == here


def test_every_other_choice_reaches_the_job() -> None:
    asked = chosen(
        "--focal-px",
        "900",
        "--max-people",
        "2",
        "--layout",
        "3d",
        "--overlay",
        "keypoints",
        "--export",
        "TRC, csv,trc,",
    )
    assert asked == JobSettings(focal_px=900.0, max_people=2, layout="3d", overlay="keypoints", export=("trc", "csv"))


@pytest.mark.parametrize("name", OFFERED)
def test_every_field_of_a_job_is_an_option_with_its_help(name: str) -> None:
    shown = " ".join(CliRunner().invoke(app, ["process", "--help"], env={"COLUMNS": "400"}).output.split())
    info = field_infos(JobSettings)[name]
    words = (info.description or "").split(" [")[0].rstrip(".")
    if name != "person_heights_m":
        assert words[1:] in shown
    for choice in get_args(info.annotation) if isinstance(info.default, str) else ():
        assert choice in shown


@pytest.mark.parametrize(
    "texts", [["tall"], ["1.8", "1.7"], ["2=1.6", "2=1.7"], ["me=1.7"], ["2="], ["=1.7"], ["2=1.7=1.8"]]
)
def test_a_height_that_says_nothing_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="--person-height"):
        Chosen({"person_height_m": texts}).job()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"focal_px": 900.0, "fov_deg": 60.0}, "--focal-px and --fov both"),
        ({"export": "json,fbx"}, "--export: there is no 'fbx'"),
        ({"person_height_m": ["17"]}, "--person-height: 0.4 to 2.8 metres, not 17"),
        ({"max_people": 0}, "--max-people: 1 to 10000, not 0"),
    ],
)
def test_what_is_wrong_is_told_by_the_option(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Chosen(options).job()


def test_lists_and_heights_are_read() -> None:
    assert parse_list("JSON, trc,json,") == ("json", "trc")
    assert parse_list("") == ()
    assert parse_heights(["1.75", "2=1.62"]) == (1.75, [(2, 1.62)])


def found(*arguments: str) -> ChosenDetector:
    """What a command that finds people makes of these."""
    made = list[ChosenDetector]()

    @with_detector
    def command(finding: ChosenDetector) -> None:
        made.append(finding)

    offering = typer.Typer()
    offering.command()(command)
    result = CliRunner().invoke(offering, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return made[0]


def test_every_detector_can_be_chosen_with_its_own_options() -> None:
    assert found().options() == find_detector("auto").chosen({})
    assert found("--detector", "blazepose", "--threads", "2").options() == BlazePoseChoices(threads=2)
    assert found(
        "--detector", "detectron2", "--detectron-cfg", "a.yaml", "--detectron-weights", "b.pkl", "--precision", "bf16",
        "--score-threshold", "0.5", "--device", "cuda:1",
    ).options() == KeypointRcnnOptions(
        config="a.yaml", weights=Path("b.pkl"), precision="bf16", score_threshold=0.5, device="cuda:1"
    )  # fmt: skip


def test_what_every_detector_knows_needs_no_choice_of_one() -> None:
    assert found("--score-threshold", "0.6").options() == find_detector("auto").chosen({"score_threshold": 0.6})


@pytest.mark.parametrize("detector", names())
def test_every_detector_is_offered(detector: str) -> None:
    assert found("--detector", detector).name == detector


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--precision", "bf16"], "--precision: only Detectron2 knows it, and --detector is auto"),
        (
            ["--detector", "blazepose", "--detectron-cfg", "a"],
            "only Detectron2.*use --detector detectron2",
        ),
        (
            ["--detector", "detectron2", "--threads", "2"],
            "--threads: only BlazePose and MoveNet and RTMO and RTMPose and ViTPose know it",
        ),
        (["--device", "gpu"], "no device 'gpu'"),
    ],
)
def test_options_of_another_detector_are_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        found(*arguments).options()


@pytest.mark.parametrize(
    "arguments", [["--detector", "detectron2", "--detectron-cfg", "a.yaml", "--precision", "bf16"], []]
)
def test_settings_survive_the_way_to_the_process_of_one_video(arguments: list[str]) -> None:
    chosen = found(*arguments)
    settings = ProcessSettings(
        job=JobSettings(smooth="none", person_heights_m={2: 1.7}), machine=Settings(segment_s=2.5),
        detector=chosen.name, detector_options=chosen.options(),
    )  # fmt: skip
    sent = TypeAdapter(ProcessSettings).dump_json(settings)
    assert TypeAdapter(ProcessSettings).validate_json(sent) == settings


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("liftline_cli.main", {"torch", "cv2", "scipy", "ai_edge_litert"}),
        ("liftline_detector.stage", {"torch"}),
        ("liftline_renderer.stage", {"torch", "scipy", "ai_edge_litert"}),
        ("liftline_lifter.stage", {"cv2", "ai_edge_litert"}),
        ("liftline.ports", {"torch", "cv2", "scipy"}),
    ],
)
def test_a_package_needs_only_its_own_extra(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert not absent & set(loaded)
