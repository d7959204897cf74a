"""How anyone may put one object into the artifact store, and nothing else: an HTML form, sent as RFC 7578 says.

What the body holds around the file's bytes is known beforehand, so that these can be streamed and the body's length
told: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""As RFC 7578, section 2, and HTML have it in the names of fields."""


@dataclass(frozen=True)
class UploadForm:
    """A form to be POSTed to `address`: these fields, and after them the bytes as a file called `file`.

    Attributes:
        address: where to.
        fields: what the store's owner signed; others are refused. Whoever knows them may upload.
        size_bytes: so many bytes are taken, no more and no less.
    """

    address: str
    fields: Mapping[str, str]
    size_bytes: int


@dataclass(frozen=True)
class FormBody:
    """A body of `multipart/form-data`: `before`, the file's bytes, `after`."""

    content_type: str
    before: bytes
    after: bytes

    def length(self, file_bytes: int) -> int:
        """Of the whole body, in bytes."""
        return len(self.before) + file_bytes + len(self.after)


def form_body(fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> FormBody:
    """What a form's file stands in. Its boundary is random, so no file holds it but by the chance of one in 2^128."""
    boundary = f"liftline-{secrets.token_hex(16)}"
    given = fields.items() if isinstance(fields, Mapping) else fields
    parts = [_part(boundary, f'name="{name.translate(_ESCAPES)}"', value) for name, value in given]
    file = _part(boundary, 'name="file"; filename="video"\r\nContent-Type: application/octet-stream', "")
    return FormBody(
        content_type=f"multipart/form-data; boundary={boundary}",
        before="\r\n".join([*parts, file]).encode(),
        after=f"\r\n--{boundary}--\r\n".encode(),
    )


def _part(boundary: str, head: str, value: str) -> str:
    return f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}"
