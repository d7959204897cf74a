"""Ten minutes with 200 people who come and go fit a small machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_ten_minute_crowd_is_tracked_and_lifted_within_two_gigabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.lifter.crowd"],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report["tracks"] == pytest.approx(200, abs=4), report
    assert report["observed"] >= 0.98 * report["rows"], report
    assert report["peak_mib"] < 2048, report
