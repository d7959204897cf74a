"""What every adapter of `ports.Records` does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from liftline.ports import Records
from tests.contract.conftest import Opening


@pytest.fixture
async def records(opening: Opening) -> AsyncIterator[Records]:
    """Those of one service."""
    async with opening() as (service,):
        yield service.records


async def test_nothing_is_there_at_first(records: Records) -> None:
    assert await records.get("jobs.t.j") is None
    assert await records.keys("jobs.") == []


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n binary", b"v" * 300_000], ids=["empty", "binary", "large"])
async def test_what_is_created_is_read_back(records: Records, value: bytes) -> None:
    revision = await records.create("jobs.t.j", value)
    entry = await records.get("jobs.t.j")
    assert entry is not None
    assert (entry.value, entry.revision) == (value, revision)


async def test_a_second_create_is_refused_and_changes_nothing(records: Records) -> None:
    first = await records.create("jobs.t.j", b"first")
    assert await records.create("jobs.t.j", b"second") is None
    entry = await records.get("jobs.t.j")
    assert entry is not None
    assert (entry.value, entry.revision) == (b"first", first)


async def test_an_update_needs_the_revision_that_is_there(records: Records) -> None:
    first = await records.create("jobs.t.j", b"1")
    assert first is not None
    second = await records.update("jobs.t.j", b"2", revision=first)
    assert second is not None
    assert second > first
    assert await records.update("jobs.t.j", b"lost", revision=first) is None
    entry = await records.get("jobs.t.j")
    assert entry is not None
    assert (entry.value, entry.revision) == (b"2", second)


async def test_an_update_of_nothing_is_refused(records: Records) -> None:
    assert await records.update("jobs.t.j", b"x", revision=7) is None
    assert await records.get("jobs.t.j") is None


async def test_an_update_of_what_was_deleted_is_refused(records: Records) -> None:
    first = await records.create("jobs.t.j", b"1")
    assert first is not None
    await records.delete("jobs.t.j")
    assert await records.update("jobs.t.j", b"2", revision=first) is None
    assert await records.get("jobs.t.j") is None


async def test_what_was_deleted_can_be_created_again_with_a_higher_revision(records: Records) -> None:
    first = await records.create("jobs.t.j", b"1")
    assert first is not None
    await records.delete("jobs.t.j")
    again = await records.create("jobs.t.j", b"2")
    assert again is not None
    assert again > first


async def test_deleting_nothing_is_fine(records: Records) -> None:
    await records.delete("jobs.t.j")
    await records.delete_all("jobs.t.")


async def test_keys_are_those_below_the_prefix_sorted(records: Records) -> None:
    for key in ("jobs.t.b", "jobs.t.a", "jobs.t.a.deeper", "jobs.tt.c", "job.t.d", "active.t.a"):
        await records.create(key, b"x")
    assert await records.keys("jobs.t.") == ["jobs.t.a", "jobs.t.a.deeper", "jobs.t.b"]
    assert await records.keys("jobs.") == ["jobs.t.a", "jobs.t.a.deeper", "jobs.t.b", "jobs.tt.c"]


async def test_delete_all_removes_what_is_below_the_prefix_alone(records: Records) -> None:
    for key in ("results.t.j.detect-0", "results.t.j.detect-1", "results.t.jj.detect-0", "jobs.t.j"):
        await records.create(key, b"x")
    await records.delete_all("results.t.j.")
    assert await records.keys("results.") == ["results.t.jj.detect-0"]
    assert await records.get("results.t.j.detect-0") is None
    assert await records.get("jobs.t.j") is not None


async def test_of_200_who_create_the_same_at_once_one_wins(opening: Opening) -> None:
    async with opening(4) as services:
        revisions = await asyncio.gather(
            *(services[number % 4].records.create("results.t.j.lift-0", b"%d" % number) for number in range(200))
        )
        winners = [number for number, revision in enumerate(revisions) if revision is not None]
        assert len(winners) == 1
        entry = await services[0].records.get("results.t.j.lift-0")
        assert entry is not None
        assert (entry.value, entry.revision) == (b"%d" % winners[0], revisions[winners[0]])


async def test_no_increment_by_compare_and_set_is_lost(opening: Opening) -> None:
    async def increment(records: Records) -> None:
        while True:
            entry = await records.get("jobs.t.j")
            assert entry is not None
            if await records.update("jobs.t.j", b"%d" % (int(entry.value) + 1), revision=entry.revision):
                return

    async with opening(3) as services:
        await services[0].records.create("jobs.t.j", b"0")
        await asyncio.gather(*(increment(services[number % 3].records) for number in range(40)))
        entry = await services[0].records.get("jobs.t.j")
        assert entry is not None
        assert entry.value == b"40"


async def test_what_one_wrote_the_others_read_at_once(opening: Opening) -> None:
    async with opening(2) as (one, other):
        for number in range(50):
            key = f"jobs.t.{number}"
            revision = await one.records.create(key, b"x")
            entry = await other.records.get(key)
            assert entry is not None
            assert entry.revision == revision


async def test_several_are_read_at_once_without_those_that_arent_there(records: Records) -> None:
    assert await records.get_all([]) == {}
    assert await records.get_all(["jobs.t.none"]) == {}
    revisions = {f"jobs.t.{number}": await records.create(f"jobs.t.{number}", b"%d" % number) for number in range(600)}
    again = await records.update("jobs.t.5", b"new", revision=revisions["jobs.t.5"] or 0)
    await records.delete("jobs.t.6")
    found = await records.get_all(["jobs.t.none", *revisions])
    assert {key: entry.value for key, entry in found.items()} == {
        f"jobs.t.{number}": b"new" if number == 5 else b"%d" % number for number in range(600) if number != 6
    }
    assert found["jobs.t.5"].revision == again
    assert found["jobs.t.7"].revision == revisions["jobs.t.7"]


async def test_several_large_ones_are_read_at_once(records: Records) -> None:
    keys = [f"jobs.t.{number}" for number in range(200)]
    for key in keys:
        await records.create(key, key.encode() * 20_000)
    assert {key: entry.value for key, entry in (await records.get_all(keys)).items()} == {
        key: key.encode() * 20_000 for key in keys
    }
