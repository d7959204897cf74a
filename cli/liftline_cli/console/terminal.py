"""Where the command line prints: whatever reaches a person goes through here."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from liftline.telemetry.visible import visible_lines


class Terminal(Console):
    """Names of files and words of servers do nothing to it (`liftline.telemetry.visible`); its own colours remain."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does, of visible text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible_lines(segment.text))
