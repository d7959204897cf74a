"""A small model of KEDA's loop and of the HorizontalPodAutoscaler behind it, for one Deployment. No clock, no servers.

What it follows: KEDA's `nats_jetstream_scaler.go` (lag, activation) and `scale_scaledobjects.go` (from and to zero),
and the controller of Kubernetes (`replica_calculator.go`, `horizontal.go`: average value per pod, tolerance, the
highest of several metrics, stabilisation, at most 4 pods or as many again every 15 seconds).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.autoscaling.policy import Policy

SYNC_S = 15.0
"""How often the HorizontalPodAutoscaler looks (`--horizontal-pod-autoscaler-sync-period`)."""
_TOLERANCE, _UP_PODS, _UP_SHARE, _UP_PERIOD_S = 0.1, 4, 1.0, 15.0


@dataclass(frozen=True)
class _At:
    time_s: float
    replicas: int


class Autoscaler:
    """How many pods a Deployment has to have. Ask it again and again with the time, and how to read its lags."""

    def __init__(self, policy: Policy) -> None:
        """As a ScaledObject that was just applied."""
        self._policy = policy
        self.replicas = policy.min_replicas
        self._active_s = -math.inf
        self._next_poll_s = self._next_sync_s = -math.inf
        self._recommended: list[_At] = []
        self._added: list[_At] = []

    def tick(self, now_s: float, read_lags: Callable[[], Mapping[str, int]]) -> int:
        """Do what is due by now; replicas from now on. Raises what `read_lags` raises."""
        if now_s >= self._next_poll_s:
            self._next_poll_s = now_s + self._policy.polling_s
            self._poll(now_s, read_lags())
        if now_s >= self._next_sync_s:
            self._next_sync_s = now_s + SYNC_S
            self._sync(now_s, read_lags())
        return self.replicas

    def _poll(self, now_s: float, lags: Mapping[str, int]) -> None:
        """KEDA's operator: from zero to one, and to zero once nothing was there for the cooldown."""
        policy = self._policy
        if any(lag > policy.activation_lag for lag in lags.values()):
            self._active_s = now_s
            if self.replicas == 0:
                self._change(now_s, max(1, policy.min_replicas))
        elif self.replicas > 0 and policy.min_replicas == 0 and now_s > self._active_s + policy.cooldown_s:
            self.replicas = 0

    def _sync(self, now_s: float, lags: Mapping[str, int]) -> None:
        """The HorizontalPodAutoscaler, which rests while there are no pods."""
        if self.replicas == 0:
            return
        policy = self._policy
        wanted = max(wanted_of(lag, policy.threshold_of(name), self.replicas) for name, lag in lags.items())
        wanted = self._stabilised(now_s, wanted)
        wanted = min(wanted, self._most(now_s), policy.max_replicas)
        self._change(now_s, max(wanted, policy.min_replicas, 1))

    def _stabilised(self, now_s: float, wanted: int) -> int:
        """Up at once; down only to the highest number of the window."""
        self._recommended.append(_At(now_s, wanted))
        self._recommended = _since(self._recommended, now_s - self._policy.scale_down_window_s)
        highest = max((one.replicas for one in self._recommended), default=wanted)
        return wanted if wanted >= self.replicas else min(self.replicas, highest)

    def _most(self, now_s: float) -> int:
        """How many there may be, by what was added lately."""
        self._added = _since(self._added, now_s - _UP_PERIOD_S)
        before = self.replicas - sum(one.replicas for one in self._added)
        return max(self.replicas, before + _UP_PODS, math.ceil(before * (1 + _UP_SHARE)))

    def _change(self, now_s: float, replicas: int) -> None:
        if replicas > self.replicas and self.replicas > 0:
            self._added.append(_At(now_s, replicas - self.replicas))
        self.replicas = replicas


def wanted_of(lag: int, lag_threshold: int, replicas: int) -> int:
    """Pods that one consumer's lag asks for where there are `replicas`: as many, if it is about right for them."""
    if abs(1 - lag / (lag_threshold * replicas)) <= _TOLERANCE:
        return replicas
    return math.ceil(lag / lag_threshold)


def _since(entries: Sequence[_At], time_s: float) -> list[_At]:
    return [one for one in entries if one.time_s > time_s]
