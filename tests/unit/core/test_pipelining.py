from __future__ import annotations

import threading
import time

import pytest

from liftline.pipelining import Aborted, reading_ahead, writing_behind

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_items_come_in_order():
    with reading_ahead(iter(range(50)), capacity=3) as items:
        assert list(items) == list(range(50))


def test_no_more_than_the_capacity_is_read_ahead():
    taken = []

    def source():
        for number in range(100):
            taken.append(number)
            yield number

    with reading_ahead(source(), capacity=3) as items:
        next(items)
        time.sleep(0.05)
        assert len(taken) <= 5


def test_an_error_of_the_reader_comes_out_where_items_are_taken():
    def source():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), reading_ahead(source(), capacity=2) as items:
        list(items)


def test_leaving_early_closes_the_source():
    closed = threading.Event()

    def source():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    with reading_ahead(source(), capacity=2) as items:
        next(items)
    assert closed.is_set()


def test_everything_sent_is_consumed_before_the_block_ends():
    received = []

    def consume(items):
        for item in items:
            time.sleep(0.001)
            received.append(item)

    with writing_behind(consume, capacity=2) as send:
        for number in range(20):
            send(number)
    assert received == list(range(20))


def test_an_error_of_the_writer_ends_the_block_even_when_the_channel_is_full():
    def consume(items):
        next(items)
        raise OSError("disk full")

    def write():
        with writing_behind(consume, capacity=1) as send:
            for number in range(1000):
                send(number)

    with pytest.raises(OSError, match="disk full"):
        write()


def test_an_error_at_the_writers_very_end_is_not_lost():
    def consume(items):
        list(items)
        raise OSError("can't close")

    with pytest.raises(OSError, match="can't close"), writing_behind(consume, capacity=9) as send:
        send(1)


def test_the_writer_learns_that_the_block_failed():
    seen = []

    def consume(items):
        try:
            list(items)
        except Aborted as error:
            seen.append(error)
            raise

    def write():
        with writing_behind(consume, capacity=1) as send:
            send(1)
            raise KeyError("drawing failed")

    with pytest.raises(KeyError):
        write()
    assert len(seen) == 1
