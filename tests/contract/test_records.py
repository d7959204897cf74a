"""What every adapter of `ports.Records` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from liftline.ports import Records
from tests.contract.conftest import Opening

Scenario = Callable[[Records], Coroutine[Any, Any, None]]


@pytest.fixture
def run(opening: Opening) -> Callable[[Scenario], None]:
    """Run a scenario with one service's records."""

    async def inside(scenario: Scenario) -> None:
        async with opening() as (service,):
            await scenario(service.records)

    return lambda scenario: asyncio.run(inside(scenario))


def test_nothing_is_there_at_first(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        assert await records.get("jobs.t.j") is None
        assert await records.keys("jobs.") == []

    run(scenario)


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n binary", b"v" * 300_000], ids=["empty", "binary", "large"])
def test_what_is_created_is_read_back(run: Callable[[Scenario], None], value: bytes) -> None:
    async def scenario(records: Records) -> None:
        revision = await records.create("jobs.t.j", value)
        entry = await records.get("jobs.t.j")
        assert entry is not None
        assert (entry.value, entry.revision) == (value, revision)

    run(scenario)


def test_a_second_create_is_refused_and_changes_nothing(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        first = await records.create("jobs.t.j", b"first")
        assert await records.create("jobs.t.j", b"second") is None
        entry = await records.get("jobs.t.j")
        assert entry is not None
        assert (entry.value, entry.revision) == (b"first", first)

    run(scenario)


def test_an_update_needs_the_revision_that_is_there(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        first = await records.create("jobs.t.j", b"1")
        assert first is not None
        second = await records.update("jobs.t.j", b"2", revision=first)
        assert second is not None
        assert second > first
        assert await records.update("jobs.t.j", b"lost", revision=first) is None
        entry = await records.get("jobs.t.j")
        assert entry is not None
        assert (entry.value, entry.revision) == (b"2", second)

    run(scenario)


def test_an_update_of_nothing_is_refused(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        assert await records.update("jobs.t.j", b"x", revision=7) is None
        assert await records.get("jobs.t.j") is None

    run(scenario)


def test_an_update_of_what_was_deleted_is_refused(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        first = await records.create("jobs.t.j", b"1")
        assert first is not None
        await records.delete("jobs.t.j")
        assert await records.update("jobs.t.j", b"2", revision=first) is None
        assert await records.get("jobs.t.j") is None

    run(scenario)


def test_what_was_deleted_can_be_created_again_with_a_higher_revision(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        first = await records.create("jobs.t.j", b"1")
        assert first is not None
        await records.delete("jobs.t.j")
        again = await records.create("jobs.t.j", b"2")
        assert again is not None
        assert again > first

    run(scenario)


def test_deleting_nothing_is_fine(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        await records.delete("jobs.t.j")
        await records.delete_all("jobs.t.")

    run(scenario)


def test_keys_are_those_below_the_prefix_sorted(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        for key in ("jobs.t.b", "jobs.t.a", "jobs.t.a.deeper", "jobs.tt.c", "job.t.d", "active.t.a"):
            await records.create(key, b"x")
        assert await records.keys("jobs.t.") == ["jobs.t.a", "jobs.t.a.deeper", "jobs.t.b"]
        assert await records.keys("jobs.") == ["jobs.t.a", "jobs.t.a.deeper", "jobs.t.b", "jobs.tt.c"]

    run(scenario)


def test_delete_all_removes_what_is_below_the_prefix_alone(run: Callable[[Scenario], None]) -> None:
    async def scenario(records: Records) -> None:
        for key in ("results.t.j.detect-0", "results.t.j.detect-1", "results.t.jj.detect-0", "jobs.t.j"):
            await records.create(key, b"x")
        await records.delete_all("results.t.j.")
        assert await records.keys("results.") == ["results.t.jj.detect-0"]
        assert await records.get("results.t.j.detect-0") is None
        assert await records.get("jobs.t.j") is not None

    run(scenario)


def test_of_200_who_create_the_same_at_once_one_wins(opening: Opening) -> None:
    async def scenario() -> None:
        async with opening(4) as services:
            revisions = await asyncio.gather(
                *(services[number % 4].records.create("results.t.j.lift-0", b"%d" % number) for number in range(200))
            )
            winners = [number for number, revision in enumerate(revisions) if revision is not None]
            assert len(winners) == 1
            entry = await services[0].records.get("results.t.j.lift-0")
            assert entry is not None
            assert (entry.value, entry.revision) == (b"%d" % winners[0], revisions[winners[0]])

    asyncio.run(scenario())


def test_no_increment_by_compare_and_set_is_lost(opening: Opening) -> None:
    async def increment(records: Records) -> None:
        while True:
            entry = await records.get("jobs.t.j")
            assert entry is not None
            if await records.update("jobs.t.j", b"%d" % (int(entry.value) + 1), revision=entry.revision):
                return

    async def scenario() -> None:
        async with opening(3) as services:
            await services[0].records.create("jobs.t.j", b"0")
            await asyncio.gather(*(increment(services[number % 3].records) for number in range(40)))
            entry = await services[0].records.get("jobs.t.j")
            assert entry is not None
            assert entry.value == b"40"

    asyncio.run(scenario())


def test_what_one_wrote_the_others_read_at_once(opening: Opening) -> None:
    async def scenario() -> None:
        async with opening(2) as (one, other):
            for number in range(50):
                key = f"jobs.t.{number}"
                revision = await one.records.create(key, b"x")
                entry = await other.records.get(key)
                assert entry is not None
                assert entry.revision == revision

    asyncio.run(scenario())
