"""Who wants much waits for the others, not they for them."""

from __future__ import annotations

import asyncio
from collections import Counter

from liftline_gateway.turns import Turns


class Work:
    """Notes what goes on at a time, and ends when it is let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.running, self.order = turns, Counter[str](), list[str]()
        self.go = asyncio.Event()

    async def of(self, key: str) -> None:
        async with self.turns.turn(key):
            self.running[key] += 1
            self.order.append(key)
            await self.go.wait()
            self.running[key] -= 1


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_of_one_and_so_many_of_all_go_on_at_a_time() -> None:
    work = Work(Turns(of_one=2, of_all=5))
    tasks = [asyncio.create_task(work.of(key)) for key in "aaaaaaaabbbbcccc"]
    await settle()
    assert work.running == {"a": 2, "b": 2, "c": 1}
    work.go.set()
    await asyncio.gather(*tasks)
    assert Counter(work.order) == {"a": 8, "b": 4, "c": 4}


async def test_who_comes_later_neednt_wait_for_the_many_of_another() -> None:
    work = Work(Turns(of_one=2, of_all=8))
    tasks = [asyncio.create_task(work.of("a")) for _ in range(200)]
    await settle()
    tasks.append(asyncio.create_task(work.of("b")))
    await settle()
    assert work.running == {"a": 2, "b": 1}
    work.go.set()
    await asyncio.gather(*tasks)


async def test_who_waits_no_longer_takes_no_turn_and_nothing_is_kept() -> None:
    turns = Turns(of_one=1, of_all=1)
    work = Work(turns)
    tasks = [asyncio.create_task(work.of(key)) for key in "aab"]
    await settle()
    for task in tasks[1:]:
        task.cancel()
    await settle()
    work.go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert work.order == ["a"]
    await work.of("b")
    assert not turns._by_key
