"""Batches made in a process of their own, so that the network never waits for data."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.motion.bones import BoneMotion, to_bones
from training.motion.data import at_speed, joined, load_training
from training.samples.windows import training_windows

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]

SPEEDS = (0.6, 0.8, 1.0, 1.25, 1.6)
"""Every clip is also seen slower and faster: other tempers, other frame rates."""

_AHEAD = 6


def training_bodies(mocap: Path) -> BoneMotion:
    """The training split at every speed, taken apart into bones."""
    motion = load_training(mocap)
    return to_bones(joined([at_speed(motion, speed) for speed in SPEEDS]))


@dataclass(frozen=True)
class BatchShape:
    """`windows` windows, each with `poses` poses `stride` frames apart, the first after `padding[0]` frames.

    Where there are `pairs`, windows are `pair_frames` longer and have as many poses again, so much later.
    """

    windows: int
    poses: int
    stride: int
    padding: tuple[int, int]
    pairs: int = 0
    pair_frames: int = 0

    @property
    def frames(self) -> int:
        """Frames of a window."""
        return sum(self.padding) + 1 + (self.poses - 1) * self.stride + (self.pair_frames if self.pairs else 0)

    @property
    def posed(self) -> NDArray[np.intp]:
        """(poses,) or, with pairs, (2 * poses,) the frames with a pose."""
        first = self.padding[0] + self.stride * np.arange(self.poses)
        return np.concatenate([first, first + self.pair_frames]) if self.pairs else first


def make_batch(body: BoneMotion, shape: BatchShape, *, seed: int, step: int) -> Batch:
    """Batch number `step` of the run with this seed: (B, T, FEATURES), (B, k, 29, 3) metres, (B, 29) joints known."""
    rng = np.random.default_rng([seed, step])
    return training_windows(body, shape.windows, shape.frames, shape.posed, rng).inputs_and_targets()


@contextmanager
def batches(
    mocap: Path, shape: BatchShape, *, seed: int, first_step: int, processes: int = 1
) -> Iterator[Iterator[Batch]]:
    """Batches `first_step`, `first_step + 1`, ...: the same whoever asks, whenever, with however many processes."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    queues: list[multiprocessing.Queue[Batch]] = [context.Queue(_AHEAD) for _ in range(processes)]
    workers = [
        context.Process(
            target=_work, args=(made, stop, mocap, shape, seed, range(first_step + number, sys.maxsize, processes)),
            daemon=True,
        )
        for number, made in enumerate(queues)
    ]  # fmt: skip
    # One thread each: matrices are small here, and more would fight with the network's over the CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for worker in workers:
        worker.start()
    try:
        yield _received(list(zip(queues, workers, strict=True)))
    finally:
        stop.set()
        for made, worker in zip(queues, workers, strict=True):
            made.cancel_join_thread()
            while worker.is_alive():
                _drain(made)
                worker.join(0.1)
            made.close()


def _received(sources: Sequence[tuple[multiprocessing.Queue[Batch], BaseProcess]]) -> Iterator[Batch]:
    for made, worker in itertools.cycle(sources):
        while True:
            try:
                yield made.get(timeout=1.0)
                break
            except queue.Empty:
                if not worker.is_alive():
                    raise RuntimeError("a process that makes batches has died; its error is above") from None


def _work(
    made: multiprocessing.Queue[Batch], stop: Event, mocap: Path, shape: BatchShape, seed: int, steps: range
) -> None:
    body = training_bodies(mocap)
    made.cancel_join_thread()
    parent = multiprocessing.parent_process()

    def wanted() -> bool:
        return not stop.is_set() and parent is not None and parent.is_alive()

    for step in itertools.takewhile(lambda _: wanted(), steps):
        batch = make_batch(body, shape, seed=seed, step=step)
        while wanted():
            try:
                made.put(batch, timeout=0.5)
                break
            except queue.Full:
                continue


def _drain(made: multiprocessing.Queue[Batch]) -> None:
    while True:
        try:
            made.get_nowait()
        except queue.Empty:
            return
