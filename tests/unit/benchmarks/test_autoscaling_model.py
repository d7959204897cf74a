"""The model of KEDA and of the HorizontalPodAutoscaler does what their documentation and sources say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from benchmarks.autoscaling.keda import Autoscaler, wanted_of
from benchmarks.autoscaling.policy import POLICIES, Policy

PLAIN = Policy(
    "plain", lag_threshold=4, plan_lag_threshold=2, polling_s=10, cooldown_s=60, scale_down_window_s=0, max_replicas=100
)


def course(autoscaler: Autoscaler, lags: Mapping[str, int], *, from_s: float, to_s: float) -> dict[float, int]:
    """Replicas by time, looked at every second."""
    return {second: autoscaler.tick(second, lambda: lags) for second in _seconds(from_s, to_s)}


def _seconds(from_s: float, to_s: float) -> Iterator[float]:
    while from_s < to_s:
        yield from_s
        from_s += 1


@pytest.mark.parametrize(
    ("lag", "replicas", "wanted"),
    [(9, 1, 3), (8, 1, 2), (0, 3, 0), (12, 3, 3), (13, 3, 3), (11, 3, 3), (14, 3, 4), (10, 3, 3), (8, 3, 2)],
)
def test_pods_are_the_lag_by_the_threshold_rounded_up_unless_about_right(lag: int, replicas: int, wanted: int) -> None:
    assert wanted_of(lag, 4, replicas) == wanted


def test_nothing_runs_while_nothing_waits() -> None:
    assert set(course(Autoscaler(PLAIN), {"detect-normal": 0}, from_s=0, to_s=300).values()) == {0}


def test_the_first_task_wakes_one_pod_within_a_polling_interval() -> None:
    autoscaler = Autoscaler(PLAIN)
    course(autoscaler, {"detect-normal": 0}, from_s=0, to_s=11)
    replicas = course(autoscaler, {"detect-normal": 1}, from_s=11, to_s=30)
    assert replicas[19] == 0
    assert replicas[20] == 1


def test_lag_up_to_the_activation_threshold_wakes_nobody() -> None:
    patient = replace(PLAIN, activation_lag=3)
    assert max(course(Autoscaler(patient), {"detect-normal": 3}, from_s=0, to_s=60).values()) == 0
    assert max(course(Autoscaler(patient), {"detect-normal": 4}, from_s=0, to_s=60).values()) == 1


def test_pods_grow_by_four_or_twofold_every_fifteen_seconds() -> None:
    replicas = course(Autoscaler(PLAIN), {"detect-normal": 400}, from_s=0, to_s=120)
    steps = [n for n, before in zip(list(replicas.values())[1:], replicas.values(), strict=False) if n != before]
    assert list(dict.fromkeys([replicas[0], *steps])) == [5, 10, 20, 40, 80, 100]
    assert replicas[14] == 5
    assert replicas[15] == 10


def test_the_highest_of_several_consumers_counts_not_their_sum() -> None:
    lags = {"detect-high": 8, "detect-normal": 12, "plan-normal": 6}
    assert max(course(Autoscaler(PLAIN), lags, from_s=0, to_s=120).values()) == 3


def test_a_video_that_waits_counts_for_more_than_a_segment() -> None:
    assert max(course(Autoscaler(PLAIN), {"detect-low": 10, "plan-low": 10}, from_s=0, to_s=120).values()) == 5


def test_there_are_never_more_pods_than_allowed() -> None:
    few = replace(PLAIN, max_replicas=6)
    assert max(course(Autoscaler(few), {"detect-normal": 400}, from_s=0, to_s=120).values()) == 6


def test_less_lag_lowers_pods_only_after_the_window() -> None:
    autoscaler = Autoscaler(replace(PLAIN, scale_down_window_s=60))
    assert course(autoscaler, {"detect-normal": 20}, from_s=0, to_s=46)[45] == 5
    later = course(autoscaler, {"detect-normal": 4}, from_s=46, to_s=200)
    assert later[100] == 5
    assert later[110] == 1


def test_without_a_window_they_are_lowered_at_the_next_look() -> None:
    autoscaler = Autoscaler(PLAIN)
    course(autoscaler, {"detect-normal": 20}, from_s=0, to_s=46)
    assert course(autoscaler, {"detect-normal": 4}, from_s=46, to_s=61)[60] == 1


def test_the_last_pod_goes_when_nothing_was_there_for_the_cooldown() -> None:
    autoscaler = Autoscaler(PLAIN)
    course(autoscaler, {"detect-normal": 1}, from_s=0, to_s=31)
    replicas = course(autoscaler, {"detect-normal": 0}, from_s=31, to_s=150)
    assert replicas[90] == 1
    assert replicas[100] == 0


def test_one_pod_stays_where_the_minimum_is_one() -> None:
    assert set(
        course(Autoscaler(replace(PLAIN, min_replicas=1)), {"detect-normal": 0}, from_s=0, to_s=999).values()
    ) == {1}


def test_every_policy_has_the_name_it_is_found_by() -> None:
    assert {policy.name for policy in POLICIES.values()} == POLICIES.keys()
