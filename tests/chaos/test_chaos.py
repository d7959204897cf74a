"""A short campaign of random faults; `make chaos` runs long ones. In one version a seed means the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import campaign, faults, orders
from tests.chaos.__main__ import options
from tests.cluster import cluster

SEED, JOBS, FAULTS = 20, 10, 24


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_no_job_is_lost_stuck_or_wrong_whatever_goes_wrong(tmp_path: Path) -> None:
    drawn = faults.draw(SEED, FAULTS)
    jobs = orders.draw(SEED, JOBS, over_s=sum(fault.gap_s for fault in drawn))
    counts = {"gateways": 2, "detectors": 2, "lifters": 1, "renderers": 2}
    with cluster(tmp_path, **counts, options=options(tmp_path), proxied=True) as running:
        report = campaign.run(running, jobs, drawn, tmp_path, say=print)
    assert report.findings == []
    assert sum(report.ends.values()) == JOBS


def test_a_seed_says_what_happens() -> None:
    assert faults.draw(3, 50) == faults.draw(3, 50)
    assert orders.draw(3, 20, over_s=10.0) == orders.draw(3, 20, over_s=10.0)
    assert faults.draw(3, 50) != faults.draw(4, 50)


def test_every_kind_of_fault_and_of_job_comes_up() -> None:
    assert {fault.kind for fault in faults.draw(1, 200)} == set(faults.KINDS)
    kinds = {order.kind for order in orders.draw(1, 50, over_s=60.0)}
    assert kinds == {"usual", "crashing", "raising", "refused", "cancelled", "deleted", "troubled"}
