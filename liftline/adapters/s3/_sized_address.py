"""Addresses to which so many bytes can be PUT and no others: the length is signed too, which the client can't do.

Signature Version 4 in query parameters: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, quote, urlencode

from liftline.settings.services import S3Settings

_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = "content-length;host"


def sized_address(place: SplitResult, settings: S3Settings, *, size_bytes: int, expires: timedelta) -> str:
    """`place`: where the object is, its path percent-encoded; another signature of it is left out."""
    now = datetime.now(UTC)
    day, second = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{day}/{settings.region}/s3/aws4_request"
    parameters = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{settings.access_key}/{scope}",
        "X-Amz-Date": second,
        "X-Amz-Expires": str(round(expires.total_seconds())),
        "X-Amz-SignedHeaders": _SIGNED,
    }
    query = urlencode(parameters, quote_via=quote, safe="")
    headers = f"content-length:{size_bytes}\nhost:{place.netloc}\n"
    request = "\n".join(("PUT", place.path, query, headers, _SIGNED, "UNSIGNED-PAYLOAD"))
    to_sign = "\n".join((_ALGORITHM, second, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{settings.secret_key.get_secret_value()}".encode()
    for part in (day, settings.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()
    return place._replace(query=f"{query}&X-Amz-Signature={signature}").geturl()
