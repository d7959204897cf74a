"""The command line offers exactly what the stages can do, and loads no model library to say so."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from liftline.client import JobSettings
from liftline.errors import UsageError
from liftline_cli.options.common import DetectorName, Layout, Precision
from liftline_cli.options.lifting import Lifting, Smooth, parse_heights
from liftline_detector.backends import AUTO, BACKENDS
from liftline_detector.options import PRECISIONS
from liftline_lifter.lifting import smoothing
from liftline_lifter.settings import lift_settings
from liftline_lifter.stage import LiftSettings
from liftline_renderer.layout import Layout as RendererLayout


def test_smoothing_choices_are_the_lifters() -> None:
    assert {choice.value for choice in Smooth} == set(smoothing.SMOOTHINGS)
    assert Smooth.BUTTERWORTH.value == smoothing.DEFAULT


def test_what_is_not_chosen_is_the_same_everywhere() -> None:
    chosen = Lifting()
    assert chosen.settings(device="cpu") == LiftSettings()
    assert JobSettings(**chosen.choices()) == JobSettings()


def test_every_choice_of_lifting_reaches_the_lifter_here_and_through_a_job() -> None:
    chosen = Lifting(
        smooth=Smooth.NONE, native_rate=True, fov=70.0, person_height=["1.8", "2=1.62", "7=1.1"], common_floor=False,
        repair_sides=False, reject_outliers=False, constant_bones=False, lock_feet=False,
    )  # fmt: skip
    here = chosen.settings(device="cpu")
    assert here == LiftSettings(
        smooth="none", native_rate=True, fov_deg=70.0, person_height_m=1.8, person_heights_m=((2, 1.62), (7, 1.1)),
        common_floor=False, repair_sides=False, reject_outliers=False, constant_bones=False, lock_feet=False,
    )  # fmt: skip
    assert lift_settings(JobSettings(**chosen.choices()).wire, device="cpu") == here


@pytest.mark.parametrize(
    "texts", [["tall"], ["1.8", "1.7"], ["2=1.6", "2=1.7"], ["me=1.7"], ["2="], ["=1.7"], ["2=1.7=1.8"]]
)
def test_a_height_that_says_nothing_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="--person-height"):
        parse_heights(texts)


def test_two_ways_to_say_how_wide_the_camera_sees_are_refused() -> None:
    with pytest.raises(UsageError, match="--focal-px and --fov"):
        Lifting(focal_px=900.0, fov=60.0).choices()


def test_layout_choices_are_the_renderers() -> None:
    assert {choice.value for choice in Layout} == set(get_args(RendererLayout))


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
