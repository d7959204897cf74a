"""What docs/autoscaling.md concludes from the virtual course holds, and the manifests have what it chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmarks.autoscaling.figures import Figures
from benchmarks.autoscaling.policy import BALANCED, EAGER, FRUGAL, POLICIES
from benchmarks.autoscaling.virtual import simulate_virtually
from benchmarks.autoscaling.workload import DAY, LONG, TRICKLE
from liftline.jobs.naming import Stage, consumers_of

MANIFEST = Path(__file__).resolve().parents[3] / "deploy/k8s/components/keda/detector.yaml"
MOST = 32


@pytest.fixture(scope="module")
def found() -> Mapping[str, Figures]:
    return {
        name: simulate_virtually(replace(policy, max_replicas=MOST), DAY, Path()) for name, policy in POLICIES.items()
    }  # fmt: skip


def test_every_job_ends_under_every_policy_and_pods_with_them(found: Mapping[str, Figures]) -> None:
    for name, figures in found.items():
        assert sum(map(len, figures.latency_s.values())) == figures.jobs
        assert figures.pods_left == POLICIES[name].min_replicas
        assert figures.pod_s > figures.work_s


def test_no_job_is_done_sooner_than_its_work_allows(found: Mapping[str, Figures]) -> None:
    for figures in found.values():
        assert min(figures.latency_s[TRICKLE]) >= DAY.detect_s
        assert figures.latency_s[LONG][0] >= 60 * DAY.detect_s / MOST


def test_a_task_a_pod_costs_much_more_and_is_hardly_faster(found: Mapping[str, Figures]) -> None:
    balanced, greedy = found[BALANCED.name], found["lag 1"]
    assert greedy.pod_s > 1.5 * balanced.pod_s
    assert greedy.quantile_s(0.95) > 0.9 * balanced.quantile_s(0.95)


def test_many_tasks_a_pod_make_long_videos_wait(found: Mapping[str, Figures]) -> None:
    assert found["lag 16"].latency_s[LONG][0] > 1.5 * found[BALANCED.name].latency_s[LONG][0]
    assert found[FRUGAL.name].quantile_s(0.95) > 3 * found[BALANCED.name].quantile_s(0.95)


def test_videos_that_wait_to_be_planned_need_a_lower_threshold_than_segments(found: Mapping[str, Figures]) -> None:
    assert found["plan 4"].quantile_s(0.95) > 1.3 * found[BALANCED.name].quantile_s(0.95)
    assert found["plan 1"].pod_s > 1.1 * found[BALANCED.name].pod_s


def test_the_usual_window_pays_for_pods_that_wait_and_none_gives_work_back(found: Mapping[str, Figures]) -> None:
    assert found["window 300"].pod_s > 2 * found[BALANCED.name].pod_s
    assert found["window 0"].given_back > 4 * found[BALANCED.name].given_back


def test_a_short_cooldown_makes_single_clips_wait_for_a_pod(found: Mapping[str, Figures]) -> None:
    assert max(found["cooldown 30"].latency_s[TRICKLE]) > DAY.pod_start_s
    assert max(found[EAGER.name].latency_s[TRICKLE]) > DAY.pod_start_s
    assert max(found[BALANCED.name].latency_s[TRICKLE]) < DAY.pod_start_s


def test_the_detector_is_deployed_with_the_balanced_policy() -> None:
    spec = yaml.safe_load(MANIFEST.read_text("utf-8"))["spec"]
    triggers = {one["metadata"]["consumer"]: one["metadata"] for one in spec["triggers"]}
    assert triggers.keys() == set(consumers_of([Stage.DETECT, Stage.PLAN]))
    assert {name: int(one["lagThreshold"]) for name, one in triggers.items()} == {
        name: BALANCED.threshold_of(name) for name in triggers
    }
    behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    deployed = (spec["pollingInterval"], spec["cooldownPeriod"], spec["minReplicaCount"], behaviour)
    window = {"scaleDown": {"stabilizationWindowSeconds": int(BALANCED.scale_down_window_s)}}
    assert deployed == (BALANCED.polling_s, BALANCED.cooldown_s, BALANCED.min_replicas, window)
