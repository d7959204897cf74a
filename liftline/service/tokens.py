"""Bearer tokens: JSON Web Tokens (RFC 7519) whose subject is the caller's tenant.

The kind of the key decides the one algorithm that is accepted, whatever a token says of itself (RFC 8725, 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.exceptions import InvalidKeyError

from liftline.errors import UsageError
from liftline.jobs.naming import is_token
from liftline.service.api_errors import ApiError, ErrorKind

OPERATOR = "liftline.operator"
_LEEWAY = timedelta(seconds=10)
_SECRET_BYTES, _RSA_BITS = 32, 2048


@dataclass(frozen=True)
class Caller:
    """Who sent a request. `expire_s`: seconds since 1970 until when this is believed; None for ever."""

    tenant: str
    scopes: frozenset[str] = frozenset()
    expire_s: float | None = field(default=None, compare=False)


LOCAL = Caller("local", frozenset({OPERATOR}))
"""Everyone on this machine, where no key for tokens is set."""


class TokenChecker:
    """Checks the token of each request, and tells whose it is."""

    def __init__(self, key_file: Path, *, audience: str) -> None:
        """Read a public key (PEM) or a shared secret. Raises UsageError where the file is neither."""
        content = _read(key_file)
        if _is_pem(content):
            self._key, self._algorithm = _public_key(content, key_file)
        else:
            self._key, self._algorithm = _secret(content, key_file), "HS256"
        self._audience = audience

    def check_header(self, authorization: Sequence[str]) -> Caller:
        """The caller of a request with these `authorization` headers, of which `Bearer <token>` must be the only one.

        Raises ApiError, as `check` does.
        """
        scheme, _, token = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token.strip():
            raise ApiError(
                ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING",
                "The request needs metadata `authorization: Bearer <token>`; `liftline token` makes tokens.",
            )  # fmt: skip
        return self.check(token.strip())

    def check(self, token: str) -> Caller:
        """The caller. Raises ApiError (UNAUTHENTICATED, PERMISSION_DENIED) saying what is wrong with the token."""
        try:
            claims = jwt.decode(
                token, self._key, algorithms=[self._algorithm], audience=self._audience, leeway=_LEEWAY,
                options={"require": ["exp", "sub", "aud"]},
            )  # fmt: skip
            expire_s = int(claims["exp"]) + _LEEWAY.total_seconds()
        except (jwt.PyJWTError, OverflowError) as error:  # a date that no clock can show
            raise _unauthenticated(error, self._audience) from error
        tenant = claims["sub"]
        if not is_token(tenant):
            raise ApiError(
                ErrorKind.PERMISSION_DENIED, "TOKEN_SUBJECT",
                "The token's subject can't be a tenant: 1 to 64 letters, digits, '-' and '_' are needed.",
            )  # fmt: skip
        scope = claims.get("scope", "")
        scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset[str]()
        return Caller(tenant, scopes, expire_s=expire_s)


def mint_token(
    key_file: Path, *, tenant: str, audience: str, lifetime: timedelta, scopes: Sequence[str] = ()
) -> str:  # fmt: skip
    """A token of a tenant's, signed with a private key (PEM) or a shared secret. Raises UsageError."""
    if not is_token(tenant):
        raise UsageError(f"{tenant!r} can't be a tenant: 1 to 64 letters, digits, '-' and '_' are needed.")
    content = _read(key_file)
    key: Any
    if _is_pem(content):
        key, algorithm = _private_key(content, key_file)
    else:
        key, algorithm = _secret(content, key_file), "HS256"
    now = datetime.now(UTC)
    claims: dict[str, object] = {"sub": tenant, "aud": audience, "iat": now, "exp": now + lifetime}
    if scopes:
        claims["scope"] = " ".join(scopes)
    return jwt.encode(claims, key, algorithm=algorithm)


def expired() -> ApiError:
    """The answer to whoever sends an old token, or goes on with a request for longer than it is good."""
    return ApiError(ErrorKind.UNAUTHENTICATED, "TOKEN_EXPIRED", "The token has expired; get a new one.")


def _unauthenticated(error: Exception, audience: str) -> ApiError:
    if isinstance(error, jwt.ExpiredSignatureError):
        return expired()
    if isinstance(error, jwt.InvalidAudienceError):
        reason, message = "TOKEN_AUDIENCE", f"The token is for another audience; one for {audience!r} is needed."
    elif isinstance(error, jwt.MissingRequiredClaimError):
        reason, message = "TOKEN_CLAIMS", f"The token lacks the claim {error.claim!r}."
    elif isinstance(error, jwt.ImmatureSignatureError):
        reason, message = "TOKEN_NOT_YET_VALID", "The token isn't valid yet; is a clock wrong?"
    else:
        reason, message = "TOKEN_INVALID", "The token isn't one that this deployment's key signed."
    return ApiError(ErrorKind.UNAUTHENTICATED, reason, message)


def _read(key_file: Path) -> bytes:
    try:
        return key_file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{key_file}: the key for tokens can't be read ({error.strerror}); name another file. "
            "`openssl rand -base64 32 > FILE` makes a shared secret."
        ) from error


def _is_pem(content: bytes) -> bool:
    return b"-----BEGIN" in content


def _public_key(content: bytes, key_file: Path) -> tuple[Any, str]:
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{key_file}: not a public key in PEM form; one or a shared secret is needed.") from error
    if isinstance(key, Ed25519PublicKey):
        return key, "EdDSA"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key, "ES256"
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS:
        return key, "RS256"
    raise _unfit(key_file)


def _private_key(content: bytes, key_file: Path) -> tuple[Any, str]:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{key_file}: not a private key in PEM form without a password.") from error
    if isinstance(key, Ed25519PrivateKey):
        return key, "EdDSA"
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key, "ES256"
    if isinstance(key, RSAPrivateKey) and key.key_size >= _RSA_BITS:
        return key, "RS256"
    raise _unfit(key_file)


def _unfit(key_file: Path) -> UsageError:
    return UsageError(f"{key_file}: Ed25519, P-256, or RSA of {_RSA_BITS} bits or more is needed.")


def _secret(content: bytes, key_file: Path) -> bytes:
    """The shared secret, unless it is a public key in a form that isn't PEM: everyone could sign with that."""
    secret = content.strip()
    if len(secret) < _SECRET_BYTES:
        raise UsageError(
            f"{key_file}: a shared secret of at least {_SECRET_BYTES} bytes is needed; "
            "`openssl rand -base64 32` makes one."
        )
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(content)
        return jwt.get_algorithm_by_name("HS256").prepare_key(secret)  # type: ignore[no-any-return]
    except InvalidKeyError as error:
        raise UsageError(f"{key_file}: keys other than shared secrets must be in PEM form.") from error
