"""The command line offers exactly what the stages can do, and loads no model library to say so."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from liftline.errors import UsageError
from liftline.settings.checked import field_infos
from liftline.settings.job import JobSettings, of_job
from liftline_cli.main import app
from liftline_cli.options.common import DetectorName, Precision
from liftline_cli.options.job import Chosen, parse_heights, parse_list, with_job
from liftline_detector.backends import AUTO, BACKENDS
from liftline_detector.options import PRECISIONS
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
    asked = chosen("--focal-px", "900", "--max-people", "2", "--layout", "3d", "--export", "TRC, csv,trc,")
    assert asked == JobSettings(focal_px=900.0, max_people=2, layout="3d", export=("trc", "csv"))


@pytest.mark.parametrize("name", OFFERED)
def test_every_field_of_a_job_is_an_option_with_its_help(name: str) -> None:
    shown = " ".join(CliRunner().invoke(app, ["process", "--help"], env={"COLUMNS": "400"}).output.split())
    info = field_infos(JobSettings)[name]
    words = (info.description or "").split(" [")[0].rstrip(".")
    if name not in ("person_heights_m", "person_height_m", "export"):
        assert words[1:] in shown
    for choice in get_args(info.annotation) if isinstance(info.default, str) else ():
        assert choice in shown


@pytest.mark.parametrize(
    "texts", [["tall"], ["1.8", "1.7"], ["2=1.6", "2=1.7"], ["me=1.7"], ["2="], ["=1.7"], ["2=1.7=1.8"]]
)
def test_a_height_that_says_nothing_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="--person-height"):
        Chosen({"person_height": texts}).job()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"focal_px": 900.0, "fov_deg": 60.0}, "--focal-px and --fov both"),
        ({"export": "json,bvh"}, "--export: there is no 'bvh'"),
        ({"person_height": ["17"]}, "--person-height: 0.4 to 2.8 metres, not 17"),
        ({"max_people": 0}, "--max-people: 1 or more"),
    ],
)
def test_what_is_wrong_is_told_by_the_option(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Chosen(options).job()


def test_lists_and_heights_are_read() -> None:
    assert parse_list("JSON, trc,json,") == ("json", "trc")
    assert parse_list("") == ()
    assert parse_heights(["1.75", "2=1.62"]) == (1.75, [(2, 1.62)])


def test_detector_and_precision_choices_are_the_detectors() -> None:
    assert {choice.value for choice in DetectorName} == {AUTO, *BACKENDS}
    assert tuple(choice.value for choice in Precision) == PRECISIONS


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
