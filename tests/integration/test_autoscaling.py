"""Detectors that KEDA's model scales over real NATS and S3 lose nothing. Longer: `python -m benchmarks.autoscaling`."""

from __future__ import annotations

import pytest

from benchmarks.autoscaling.figures import Figures
from benchmarks.autoscaling.lag import lags
from benchmarks.autoscaling.policy import Policy
from benchmarks.autoscaling.simulation import simulate
from benchmarks.autoscaling.workload import BURST, SHORT, TRICKLE
from liftline.errors import UnavailableError
from liftline.jobs.naming import Stage, consumers_of
from liftline_cli.up._nats_server import NatsServer

MOST = 3
HASTY = Policy(
    "hasty", lag_threshold=4, plan_lag_threshold=1, polling_s=5, cooldown_s=20, max_replicas=MOST, scale_down_window_s=0
)
"""Ends pods as soon as it may, busy ones too."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return simulate(HASTY, SHORT, tmp_path_factory.mktemp("autoscaling"))


def test_the_queue_is_drained_and_no_job_is_lost(found: Figures) -> None:
    assert found.jobs == sum(wave.jobs for wave in SHORT.waves)
    assert (found.lost, found.dead) == (0, 0)


def test_a_burst_is_met_with_more_pods_and_the_end_with_none(found: Figures) -> None:
    assert found.pods_at_once >= MOST
    assert found.pods_left == 0


def test_pods_that_end_at_work_give_it_back_and_end_with_0(found: Figures) -> None:
    assert found.given_back > 0
    assert set(found.exit_codes) == {0}
    assert len(found.exit_codes) == found.pods_started


def test_what_is_paid_covers_the_work_and_the_wait_for_pods(found: Figures) -> None:
    assert found.pod_s >= found.work_s + MOST * SHORT.pod_start_s
    assert min(found.latency_s[BURST] + found.latency_s[TRICKLE]) > SHORT.detect_s


def test_a_consumer_that_is_not_there_is_an_error_and_no_lag(nats_server: NatsServer) -> None:
    with pytest.raises(UnavailableError, match="no-such-consumer"):
        lags(nats_server.monitoring_port, ["no-such-consumer"])


def test_a_deployment_has_a_trigger_for_each_consumer_it_pulls() -> None:
    assert consumers_of([Stage.DETECT, Stage.PLAN]) == [
        "detect-high", "detect-normal", "detect-low", "plan-high", "plan-normal", "plan-low",
    ]  # fmt: skip
