"""Cases: which source, damaged how. A case follows from the seed and its number alone, so it can be run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fuzz.mutations import mutated


@dataclass(frozen=True)
class Case:
    """One damaged file."""

    seed: int
    number: int
    path: Path
    source: str
    mutation: str

    @property
    def label(self) -> str:
        """What --replay takes."""
        return f"{self.seed}:{self.number}"


@dataclass(frozen=True)
class Result:
    """What became of a case. outcome: success, refused or finding; what: the words for it."""

    case: Case
    outcome: str
    what: str
    seconds: float
    peak_mb: float = 0.0


def make_case(sources: Sequence[Path], folder: Path, *, seed: int, number: int) -> Case:
    """Write the damaged file into a folder."""
    random = np.random.default_rng([seed, number])
    source = sources[int(random.integers(0, len(sources)))]
    data, mutation = mutated(source.read_bytes(), random)
    path = folder / f"{seed}-{number}-{source.name}"
    path.write_bytes(data)
    return Case(seed, number, path, source.name, mutation)


def summary(title: str, results: Sequence[Result]) -> str:
    """A table of outcomes, the messages by number, and every finding with the words to run it again."""
    lines = [f"{title}: {len(results)} cases"]
    for outcome in ("success", "refused", "finding"):
        lines += [f"  {outcome:10} {sum(r.outcome == outcome for r in results):6}"]
    if results:
        slow, large = max(results, key=lambda r: r.seconds), max(results, key=lambda r: r.peak_mb)
        lines.append(f"  slowest    {slow.seconds:6.1f} s   case {slow.case.label} ({slow.case.source})")
        lines.append(f"  largest    {large.peak_mb:6.0f} MB  case {large.case.label} ({large.case.source})")
    lines += [f"  {count:6} x {what}" for what, count in _messages(results)]
    lines += [
        f"FINDING --replay {r.case.label}: {r.case.source}, {r.case.mutation}, file {r.case.path}\n{r.what[-1500:]}"
        for r in results
        if r.outcome == "finding"
    ]
    return "\n".join(lines)


def _messages(results: Iterable[Result]) -> list[tuple[str, int]]:
    texts = (r.what.replace(r.case.path.name, "FILE") for r in results if r.outcome == "refused")
    return Counter(text.split(";")[0][:110] for text in texts).most_common(12)
