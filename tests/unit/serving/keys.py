"""Key files of every kind that tokens can be signed with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

KINDS = ("secret", "ed25519", "p256", "rsa")


@dataclass(frozen=True)
class KeyFiles:
    """What signs and what checks; the same file for a shared secret."""

    signing: Path
    checking: Path


def private_key(kind: str) -> Any:
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


def key_files(folder: Path, kind: str) -> KeyFiles:
    if kind == "secret":
        path = folder / "secret"
        path.write_text(secrets.token_hex(32) + "\n")
        return KeyFiles(path, path)
    key = private_key(kind)
    signing, checking = folder / f"{kind}.pem", folder / f"{kind}_public.pem"
    signing.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    checking.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return KeyFiles(signing, checking)


def forged(header: dict[str, object], claims: dict[str, object], *, secret: bytes | None) -> str:
    """A token put together by hand: HMAC with `secret`, or no signature at all."""
    signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
    signature = b"" if secret is None else hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
