"""The examples in docstrings of what users meet say what happens."""

from __future__ import annotations

import doctest
import importlib

import pytest

DOORS = ("liftline.detections", "liftline.poses", "liftline.ports", "liftline.tracks")


@pytest.mark.parametrize("name", DOORS)
def test_the_examples_of_a_module_run_and_give_what_they_show(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 1
    assert found.failed == 0
