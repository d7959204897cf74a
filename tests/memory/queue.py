"""Messages that are kept until they are done, as a JetStream stream with a pull consumer keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

_DUPLICATES_S = 120.0


@dataclass
class Kept:
    """One message, and who answers for it until when."""

    number: int
    subject: str
    data: bytes
    headers: Mapping[str, str]
    free_at_s: float = 0.0
    deliveries: int = 0


@dataclass
class Queue:
    """One stream: what is in it, what it has seen. `clock` gives seconds."""

    clock: Callable[[], float]
    ack_wait_s: float
    kept: dict[int, Kept] = field(default_factory=dict)
    seen_at_s: dict[str, float] = field(default_factory=dict)
    last: int = 0

    def add(self, subject: str, data: bytes, message_id: str, headers: Mapping[str, str]) -> None:
        """Keep a message, unless one with that id was kept within two minutes."""
        now = self.clock()
        seen = self.seen_at_s.get(message_id)
        if seen is not None and now - seen < _DUPLICATES_S:
            return
        self.seen_at_s[message_id] = now
        self.last += 1
        self.kept[self.last] = Kept(self.last, subject, data, {**headers, "Nats-Msg-Id": message_id})

    def take(self, matches: Callable[[str], bool]) -> Kept | None:
        """The next one that nobody answers for: those given back first, then the oldest."""
        now = self.clock()
        free = (one for one in self.kept.values() if one.free_at_s <= now and matches(one.subject))
        found = min(free, key=lambda one: (one.deliveries == 0, one.number), default=None)
        if found is not None:
            found.deliveries += 1
            found.free_at_s = now + self.ack_wait_s
        return found

    def next_free_s(self) -> float | None:
        """When the first message becomes free that someone answers for now, by the clock."""
        now = self.clock()
        return min((one.free_at_s for one in self.kept.values() if one.free_at_s > now), default=None)

    def matching(self, subject_filter: str) -> Iterator[Kept]:
        """Messages whose subject passes."""
        return (one for one in tuple(self.kept.values()) if subject_passes(subject_filter, one.subject))


def subject_passes(subject_filter: str, subject: str) -> bool:
    """Whether a subject passes a filter with `*` for one token and `>` for all that follow."""
    wanted, tokens = subject_filter.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(tokens) <= len(wanted):
            return False
        tokens = tokens[: len(wanted)]
    return len(wanted) == len(tokens) and all(
        want in ("*", token) for want, token in zip(wanted, tokens, strict=True)
    )  # fmt: skip
