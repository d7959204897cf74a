"""What an attack is made of: single trials, each of which holds or falls, and the table at the end."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc

from liftline.errors import LiftlineError


class FellError(Exception):
    """What was got, or came to harm."""


class SkippedError(Exception):
    """Why this machine can't try it."""


Trial = tuple[str, Callable[[], None]]
"""A name, and what tries it. Raises FellError where the system does, SkippedError where it can't be tried here."""


@dataclass(frozen=True)
class Result:
    """Of one trial. `fell`, `skipped`: why; empty where it didn't, or wasn't."""

    kind: str
    name: str
    seconds: float
    fell: str = ""
    skipped: str = ""

    @property
    def held(self) -> bool:
        """Whether it was tried in vain."""
        return not (self.fell or self.skipped)


def hold(condition: bool, otherwise: str) -> None:
    """Raise FellError with these words unless it is so."""
    if not condition:
        raise FellError(otherwise)


def run(kind: str, trial: Trial) -> Result:
    """Try it. What it raises besides is a fall too: nobody who attacks may make a client fail in a way of its own."""
    name, attempt = trial
    began_s, fell, skipped = time.monotonic(), "", ""
    try:
        attempt()
    except FellError as error:
        fell = str(error)
    except SkippedError as error:
        skipped = str(error)
    except (LiftlineError, grpc.RpcError, OSError, ArithmeticError, LookupError, ValueError, AssertionError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        fell = f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
    return Result(kind, name, time.monotonic() - began_s, fell, skipped)


def table(results: Iterable[Result]) -> str:
    """One line a kind, and one for each trial that fell or wasn't made."""
    kinds: dict[str, list[Result]] = {}
    for one in results:
        kinds.setdefault(one.kind, []).append(one)
    lines = [f"{'attack':12} {'tried':>6} {'held':>6} {'fell':>6} {'skipped':>8} {'seconds':>8}"]
    for kind, ones in kinds.items():
        fell, skipped = sum(bool(one.fell) for one in ones), sum(bool(one.skipped) for one in ones)
        held, seconds = sum(one.held for one in ones), sum(one.seconds for one in ones)
        lines.append(f"{kind:12} {len(ones) - skipped:6} {held:6} {fell:6} {skipped:8} {seconds:8.0f}")
    lines += [_told(one) for ones in kinds.values() for one in ones if not one.held]
    return "\n".join(lines)


def _told(one: Result) -> str:
    return f"{'FELL' if one.fell else 'SKIPPED'} {one.kind}: {one.name}: {one.fell or one.skipped}"
