"""What a store's keys may be, the same in every store: paths that can't leave where they belong."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What XML, in which S3 lists keys, can't hold, and line breaks. Other invisible letters are common: names that macOS
gives to recordings have a narrow space in them, and emoji a joiner."""
_MAX_BYTES = 1024
"""S3 takes no longer keys."""
_ODD_IN_FORMS = re.compile(r"[$\U00010000-\U0010ffff]|\s+\Z")
"""`${filename}` stands for a name that the sender chooses, servers drop spaces at the end of a field, and Ceph doesn't
read the JSON of letters beyond 16 bits, such as emoji."""


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


def form_key(key: str) -> str:
    """The key itself, or one like it that a form can name: letters that mean something else there are replaced."""
    return _ODD_IN_FORMS.sub(lambda odd: "_" * len(odd[0]), check_key(key))


def check_upload_key(key: str) -> str:
    """The key itself. Raises ValueError where it isn't one, or none that an upload's form can name."""
    if form_key(key) != key:
        raise ValueError(f"{key!r} is no key for uploads: a form can't name '$', emoji, and spaces at the end")
    return key
