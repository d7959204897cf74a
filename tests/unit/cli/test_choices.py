"""The command line offers exactly what the stages can do, and loads no model library to say so."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from liftline_cli.options import DetectorName, Layout, Precision, Smooth
from liftline_detector.backends import AUTO, BACKENDS
from liftline_detector.options import PRECISIONS
from liftline_lifter import smoothing
from liftline_renderer.layout import Layout as RendererLayout


def test_smoothing_choices_are_the_lifters() -> None:
    assert {choice.value for choice in Smooth} == set(smoothing.SMOOTHINGS)
    assert Smooth.BUTTERWORTH.value == smoothing.DEFAULT


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
