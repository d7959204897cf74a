"""LiteRT's own chatter stays off the terminal; everything else that is written meanwhile arrives."""

from __future__ import annotations

import os

import pytest

from liftline_detector.blazepose.litert import _without_delegate_notice


def test_only_the_delegate_notice_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with _without_delegate_notice():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nERROR: something real\n")
    assert capfd.readouterr().err == "ERROR: something real\n"


def test_stderr_is_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), _without_delegate_notice():
        os.write(2, b"before\n" * int(1 / 0))
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
