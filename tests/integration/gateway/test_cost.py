"""What the coordinator asks of servers per segment: the same for short jobs and for long ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from liftline_gateway.coordination.wiring import Coordination
from tests.integration.gateway.gateway_harness import CONSUMERS, GatewayHarness

COUNTED = ("publish", "pull_events", "get", "create", "update", "keys", "ack", "tell")


@dataclass
class Costs:
    """Calls by name, and the bytes that went there and back."""

    calls: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    def around(self, inner: Any) -> Any:
        return _Counted(inner, self)

    def note(self, name: str, *values: object) -> None:
        self.calls[name] += 1
        self.bytes += sum(len(value) for value in values if isinstance(value, bytes))


class _Counted:
    def __init__(self, inner: Any, costs: Costs) -> None:
        self._inner, self._costs = inner, costs

    def __getattr__(self, name: str) -> Any:
        method, costs = getattr(self._inner, name), self._costs
        if name not in COUNTED:
            return method

        async def counted(*arguments: Any, **options: Any) -> Any:
            answer = await method(*arguments, **options)
            costs.note(name, *arguments, getattr(answer, "value", None))
            return [costs.around(one) for one in answer] if name == "pull_events" else answer

        return counted


def costs_of(folder: Path, *, segments: int, at_a_time: int) -> Costs:
    """Of a whole job whose workers end `at_a_time` tasks before the coordinator looks at events again."""
    harness, costs = GatewayHarness(folder, segments=segments), Costs()

    async def scenario() -> None:
        await harness.make(max_parallel=64)
        gateway = harness.gateway(costs)  # type: ignore[arg-type]
        while harness.broker.tasks.kept:
            await end_some(harness, gateway, at_a_time)
        await gateway.coordinator.settle()
        gateway.threads.close()

    asyncio.run(scenario())
    return costs


async def end_some(harness: GatewayHarness, gateway: Coordination, count: int) -> None:
    for _ in range(count):
        delivery = await harness.bus.pull(CONSUMERS, wait_s=0.0)
        if delivery is None:
            break
        await harness.worker.work(delivery)
    await gateway.coordinator.handle_some(wait_s=0.0)


@pytest.mark.parametrize(("at_a_time", "many", "calls_per_task"), [(1, 1000, 6.1), (64, 5000, 2.2)])
def test_the_coordinators_calls_per_segment_do_not_grow_with_the_job(
    tmp_path: Path, at_a_time: int, many: int, calls_per_task: float
) -> None:
    """Ask for events, read, publish the next, write, tell, acknowledge: once a task at worst. Records grow by bits."""
    few = 128
    small = costs_of(tmp_path / "small", segments=few, at_a_time=at_a_time)
    large = costs_of(tmp_path / "large", segments=many, at_a_time=at_a_time)
    assert large.calls.total() / many <= small.calls.total() / few
    assert large.calls.total() / (2 * many + 4) < calls_per_task
    assert large.bytes / many <= 1.5 * small.bytes / few
