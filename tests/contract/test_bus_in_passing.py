"""What every adapter of `ports.Bus` does with words that aren't kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from tests.contract.conftest import Opening


async def heard(words: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(words), 2)


async def is_silent(words: AsyncIterator[bytes]) -> bool:
    try:
        await asyncio.wait_for(anext(words), 0.2)
    except TimeoutError:
        return True
    return False


async def test_whoever_listens_hears_all_that_is_told_from_then_on(opening: Opening) -> None:
    async with opening(3) as (speaker, one, other):
        await speaker.bus.tell("liftline.progress.t.j", b"before")
        await speaker.bus.task_subjects("liftline.tasks.>")  # whose answer comes after that was told
        async with (
            one.bus.listen("liftline.progress.t.j") as first,
            other.bus.listen("liftline.progress.t.*") as second,
        ):
            for number in range(5):
                await speaker.bus.tell("liftline.progress.t.j", b"%d" % number)
            for number in range(5):
                assert await heard(first) == await heard(second) == b"%d" % number
            await speaker.bus.tell("liftline.progress.t.k", b"elsewhere")
            assert await heard(second) == b"elsewhere"
            assert await is_silent(first)


async def test_whoever_reads_slowly_misses_the_oldest(opening: Opening) -> None:
    async with opening(2) as (speaker, listener), listener.bus.listen("liftline.progress.t.j") as words:
        for number in range(3000):
            await speaker.bus.tell("liftline.progress.t.j", b"%d" % number)
        await asyncio.sleep(0.5)
        first = int(await heard(words))
        assert 0 < first < 3000
        got = [first]
        while got[-1] < 2999:
            got.append(int(await heard(words)))
        assert got == list(range(first, 3000))


async def test_a_question_is_answered(opening: Opening) -> None:
    async def answer(question: bytes) -> bytes | None:
        return b"yes to " + question

    async with opening(2) as (one, other), one.bus.answering("liftline.workers.w", answer):
        assert await other.bus.ask("liftline.workers.w", b"task", wait_s=2) == b"yes to task"
        assert await one.bus.ask("liftline.workers.w", b"own", wait_s=2) == b"yes to own"


async def test_a_question_to_nobody_has_no_answer(opening: Opening) -> None:
    async def answer(question: bytes) -> bytes | None:
        return question

    async with opening(2) as (one, other):
        began = time.monotonic()
        assert await other.bus.ask("liftline.workers.w", b"task", wait_s=2) is None
        async with one.bus.answering("liftline.workers.w", answer):
            pass
        assert await other.bus.ask("liftline.workers.w", b"task", wait_s=2) is None
        assert time.monotonic() - began < 3.5


async def test_silence_is_no_answer(opening: Opening) -> None:
    async def answer(question: bytes) -> bytes | None:
        return None

    async with opening(2) as (one, other), one.bus.answering("liftline.workers.w", answer):
        assert await other.bus.ask("liftline.workers.w", b"task", wait_s=0.3) is None


async def test_a_slow_answer_holds_up_no_other(opening: Opening) -> None:
    async def answer(question: bytes) -> bytes | None:
        await asyncio.sleep(1.0 if question == b"slow" else 0.0)
        return question

    async with opening(2) as (one, other), one.bus.answering("liftline.workers.w", answer):
        slow = asyncio.create_task(other.bus.ask("liftline.workers.w", b"slow", wait_s=3))
        await asyncio.sleep(0.1)
        assert await other.bus.ask("liftline.workers.w", b"quick", wait_s=0.7) == b"quick"
        assert await slow == b"slow"
