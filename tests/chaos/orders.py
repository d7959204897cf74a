"""Jobs of a campaign, drawn from its seed: what each asks for, how it must end, and what it must leave."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from liftline.client.views import JobState
from tests.standin_services import expected_outputs

USUAL, TROUBLED, CRASHING, RAISING, REFUSED = "usual", "troubled", "crashing", "raising", "refused"
CANCELLED, DELETED = "cancelled", "deleted"
_STAGES = ("plan", "detect", "track", "lift", "render", "mux")
_ENDS: dict[str, set[JobState | None]] = {
    USUAL: {JobState.SUCCEEDED},
    TROUBLED: {JobState.SUCCEEDED},
    CRASHING: {JobState.FAILED},
    RAISING: {JobState.FAILED},
    REFUSED: {JobState.FAILED},
    CANCELLED: {JobState.CANCELLED, JobState.SUCCEEDED},
    DELETED: {None},
}
_REASONS = {CRASHING: "TASK_DIED", RAISING: "INTERNAL", REFUSED: "INVALID_VIDEO"}


@dataclass(frozen=True)
class Order:
    """A job to be.

    Attributes:
        number: of the campaign.
        kind: what it is for.
        file_name: says what the stand-in stages do.
        content: bytes of the "video".
        after_s: when it is submitted.
        touch_after_s: when it is cancelled or deleted, if it is.
        priority: how soon.
    """

    number: int
    kind: str
    file_name: str
    content: bytes
    after_s: float
    touch_after_s: float
    priority: str

    def write(self, folder: Path) -> Path:
        """The file to upload."""
        path = folder / f"{self.number:04d}" / self.file_name
        path.parent.mkdir(parents=True)
        path.write_bytes(self.content)
        return path

    @property
    def outputs(self) -> dict[str, bytes]:
        """What it must leave where it succeeds."""
        return expected_outputs(self.file_name, self.content)

    def ends(self) -> set[JobState | None]:
        """How it may end; None: it is gone."""
        return _ENDS[self.kind]

    @property
    def reason(self) -> str | None:
        """Why it must fail."""
        return _REASONS.get(self.kind)


def draw(seed: int, count: int, *, over_s: float) -> list[Order]:
    """The jobs of a seed, submitted over so many seconds: half of them usual ones, and of every other kind as many."""
    dice = random.Random(f"orders {seed}")
    kinds = [kind for kind in _ENDS if kind != USUAL] * count
    kinds = kinds[: count // 2] + [USUAL] * (count - count // 2)
    dice.shuffle(kinds)
    return [_order(number, kind, dice, over_s * number / count) for number, kind in enumerate(kinds)]


def _order(number: int, kind: str, dice: random.Random, after_s: float) -> Order:
    segments = dice.choice([1, 3, 8, 20, 40])
    takes = f"all={dice.choice([0.0, 0.1, 0.3, 1.0]):.1f}"
    fault: Callable[[str], str] = lambda name: f"-{name}={dice.choice(_STAGES)}.0"  # noqa: E731
    faults = {
        CRASHING: lambda: fault(dice.choice(["segv", "kill"])),
        RAISING: lambda: fault("raise"),
        REFUSED: lambda: fault("fail"),
        TROUBLED: lambda: fault(dice.choice(["kill", "full", "away", "memory", "hang"])) + "x1",
    }
    wrong = faults.get(kind, str)()
    name = f"standin-segments={segments}-{takes}{wrong}.mp4"
    content = dice.randbytes(dice.choice([1, 1000, 200_000]))
    priority = dice.choice(["high", "normal", "normal", "low"])
    return Order(number, kind, name, content, after_s, dice.uniform(0.0, 6.0), priority)
