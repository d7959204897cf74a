"""What a store's keys may be, the same in every store: paths that can't leave where they belong."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What XML, in which S3 lists keys, can't hold, and line breaks. Other invisible letters are common: names that macOS
gives to recordings have a narrow space in them, and emoji a joiner."""
_MAX_BYTES = 1024
"""S3 takes no longer keys."""


def check_key(key: str) -> str:
    """The key itself. Raises ValueError where it isn't parts between slashes, none of them empty, `.` or `..`."""
    if not key:
        raise ValueError("a key can't be empty")
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise ValueError(f"{key!r} is no key: parts between slashes can't be empty, '.' or '..'")
    if _CONTROL.search(key) or len(key.encode(errors="surrogatepass")) > _MAX_BYTES:
        raise ValueError(f"{key[:80]!r} is no key: at most {_MAX_BYTES} bytes, none of them control characters")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix of a folder itself. Raises ValueError where it isn't a key and a slash."""
    if not prefix.endswith("/"):
        raise ValueError(f"{prefix!r} must end in a slash")
    check_key(prefix.removesuffix("/"))
    return prefix
