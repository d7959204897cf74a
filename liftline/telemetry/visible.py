"""Text that others chose, such as names of files, where a person reads it: what a terminal would obey is written out.

Escape sequences move the cursor, set the clipboard and recolour what stands there; line breaks feign lines of ours;
bidirectional controls turn `gpj.exe` round (Unicode Technical Report 36, section 3.3.5).
"""

from __future__ import annotations

import io
import re
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

_LINES = "\n\t"
_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str, *, keep: str = "") -> str:
    """The text with `\\x1b`, `\\u202e` and so on in place of what isn't shown, but for the characters to `keep`."""
    return _OBEYED.sub(lambda odd: odd[0] if odd[0] in keep else _written_out(odd[0]), text)


def visible_lines(text: str) -> str:
    """The same of text that has lines and columns of its own."""
    return visible(text, keep=_LINES)


def visible_json(text: str) -> str:
    """The same of JSON on one line, which means what it did."""
    return _OBEYED.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)


def visible_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A processor of structlog's, before what renders for people."""
    return {name: visible_lines(value) if isinstance(value, str) else value for name, value in event.items()}


def visible_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """A formatter of tracebacks for structlog's `ConsoleRenderer`."""
    buffer = io.StringIO()
    structlog.dev.plain_traceback(buffer, exc_info)
    out.write(visible_lines(buffer.getvalue()))


def _written_out(odd: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(odd) or (
        f"\\x{ord(odd):02x}" if ord(odd) < 0x100 else f"\\u{ord(odd):04x}"
    )
