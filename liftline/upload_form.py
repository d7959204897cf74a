"""How anyone may put one object into the artifact store, and nothing else: an HTML form, sent as RFC 7578 says.

What the body holds around the file's bytes is known beforehand, so that these can be streamed and the body's length
told: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


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
        """Length of the whole body around a file of so many bytes, in bytes."""
        return len(self.before) + file_bytes + len(self.after)


def form_body(fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> FormBody:
    """What a form's file stands in. Its boundary is random, so no file holds it but by the chance of one in 2^128."""
    from urllib3.filepost import encode_multipart_formdata  # whoever sends forms has it, the core needn't

    boundary = f"liftline-{secrets.token_hex(16)}"
    given = fields.items() if isinstance(fields, Mapping) else fields
    file = ("file", ("video", b"", "application/octet-stream"))
    whole, content_type = encode_multipart_formdata([*given, file], boundary)
    after = f"\r\n--{boundary}--\r\n".encode()
    return FormBody(content_type, whole.removesuffix(after), after)
