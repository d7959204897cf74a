"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns are aligned right, but for the first."""
    rule = "|".join(["---", *["---:"] * (len(headings) - 1)])
    lines = [" | ".join(line) for line in (headings, *rows)]
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])
