"""Tokens that nobody may be let in with: unsigned, signed by others, of other times and places, or hardly tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.unit.serving.keys import KeyFiles

Headers = tuple[str, ...]
_HASHES = {"256": SHA256, "384": SHA384, "512": SHA512}


def encoded(part: object) -> str:
    """Base64url of JSON, or of bytes as they are."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger:
    """Makes tokens with the deployment's own key, with others, or with none."""

    def __init__(self, keys: KeyFiles, tenant: str) -> None:
        """tenant: whom all of them claim to be."""
        self.public = keys.checking.read_bytes()
        key = load_pem_private_key(keys.signing.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key, self.other = key, rsa.generate_private_key(65537, 2048)
        self.tenant = tenant

    def claims(self, **changes: object) -> dict[str, object]:
        """Good ones, but for what is changed; None leaves one out."""
        usual: dict[str, object] = {"sub": self.tenant, "aud": "liftline", "exp": int(time.time()) + 3600}
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def signed(
        self, claims: object, *, header: object | None = None, key: rsa.RSAPrivateKey | None = None, bits: str = "256",
        pss: bool = False,
    ) -> str:  # fmt: skip
        """By RSA, with the deployment's key unless another is named."""
        head = {"alg": "RS256", "typ": "JWT"} if header is None else header
        text = f"{encoded(head)}.{encoded(claims)}"
        kind = _HASHES[bits]()
        padded: Any = padding.PSS(padding.MGF1(kind), kind.digest_size) if pss else padding.PKCS1v15()
        return f"{text}.{encoded((key or self.key).sign(text.encode(), padded, kind))}"

    def hmac(self, secret: bytes, bits: str) -> str:
        """By HMAC."""
        text = f"{encoded({'alg': f'HS{bits}', 'typ': 'JWT'})}.{encoded(self.claims())}"
        return f"{text}.{encoded(hmac.digest(secret, text.encode(), f'sha{bits}'))}"


def kinds(keys: KeyFiles, *, tenant: str, mine: str) -> dict[str, Headers]:
    """Name → values of `authorization`. mine: a good token of another tenant's."""
    forger = Forger(keys, tenant)
    found = dict(_headers(mine))
    tokens = [
        *_unsigned(forger),
        *_by_others(forger),
        *_of_odd_headers(forger),
        *_of_odd_claims(forger),
        *_torn(forger, mine),
    ]
    return found | {name: (f"Bearer {token}",) for name, token in tokens}


def _headers(mine: str) -> Iterator[tuple[str, Headers]]:
    yield "none", ()
    for value in ("", "Bearer", "Bearer ", "Basic eDp5", "Negotiate x", f"Token {mine}", mine, f"Bearer: {mine}"):
        yield f"header {value[:12]!r}", (value,)
    yield "two", (f"Bearer {mine}", f"Bearer {mine}")
    yield "two in one", (f"Bearer {mine}, Bearer {mine}",)


def _unsigned(forger: Forger) -> Iterator[tuple[str, str]]:
    for algorithm in ("none", "None", "NONE", "nOnE", "", " none", None, 0, [], ["none"], {"alg": "none"}, True):
        text = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(forger.claims())}"
        yield f"alg {algorithm!r}", f"{text}."
    text = f"{encoded({'typ': 'JWT'})}.{encoded(forger.claims())}"
    yield "no alg", f"{text}."
    yield "no alg, no dot", text
    yield "none with a signature", f"{encoded({'alg': 'none'})}.{forger.signed(forger.claims()).split('.', 1)[1]}"
    yield "RS256 without a signature", forger.signed(forger.claims()).rpartition(".")[0] + "."
    zeros = forger.signed(forger.claims()).rpartition(".")[0]
    yield "RS256 with a signature of zeros", f"{zeros}.{encoded(bytes(256))}"


def _by_others(forger: Forger) -> Iterator[tuple[str, str]]:
    public = forger.key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for bits in _HASHES:
        for name, secret in (("PEM", forger.public), ("PEM stripped", forger.public.strip()), ("DER", der)):
            yield f"HS{bits} with the public key, {name}", forger.hmac(secret, bits)
    yield "HS256 with an empty key", forger.hmac(b"", "256")
    numbers = forger.other.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": encoded(numbers.n.to_bytes(256)), "e": "AQAB"}
    for name, extra in {
        "": {}, "jwk": {"jwk": jwk}, "jku": {"jku": "http://127.0.0.1:1/keys"},
        "x5u": {"x5u": "http://127.0.0.1:1/c"},
        "x5c": {"x5c": ["MIIB"]}, "kid of a file": {"kid": "../../../../dev/null"},
        "kid of SQL": {"kid": "' or 1=1 --"},
    }.items():  # fmt: skip
        head = {"alg": "RS256", "typ": "JWT", **extra}
        yield f"another's key {name}", forger.signed(forger.claims(), header=head, key=forger.other)
    yield "RS384", forger.signed(forger.claims(), header={"alg": "RS384"}, bits="384")
    yield "RS512", forger.signed(forger.claims(), header={"alg": "RS512"}, bits="512")
    yield "PS256", forger.signed(forger.claims(), header={"alg": "PS256"}, pss=True)
    yield "PS256 as RS256", forger.signed(forger.claims(), pss=True)
    text = f"{encoded({'alg': 'ES256'})}.{encoded(forger.claims())}"
    signature = ec.generate_private_key(ec.SECP256R1()).sign(text.encode(), ec.ECDSA(SHA256()))
    yield "ES256", f"{text}.{encoded(signature)}"
    yield "EdDSA", f"{encoded({'alg': 'EdDSA'})}.{encoded(forger.claims())}.{encoded(bytes(64))}"


def _of_odd_headers(forger: Forger) -> Iterator[tuple[str, str]]:
    """With the right key: what whoever signs for others could be talked into."""
    for extra in ({"crit": ["exp"]}, {"crit": ["x"], "x": 1}, {"crit": ["b64"], "b64": False}, {"b64": False}):
        yield f"header with {extra}", forger.signed(forger.claims(), header={"alg": "RS256", **extra})
    for head in ([], "RS256", None, 1, {"alg": ["RS256"]}, {"alg": {"RS256": 1}}, {"ALG": "RS256"}, {"alg": "rs256"}):
        yield f"header {head!r}", forger.signed(forger.claims(), header=encoded_or_null(head))
    yield "encrypted", f"{encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.{'.'.join(['YQ'] * 4)}"


def encoded_or_null(head: object) -> object:
    """JSON's null can't be told from no header otherwise."""
    return b"null" if head is None else head


def _of_odd_claims(forger: Forger) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    times: dict[str, object] = {
        "exp past": now - 3600, "exp of 1970": 0, "exp negative": -1, "exp text": "tomorrow", "exp list": [now + 99],
        "exp infinite": float("inf"), "exp 1e400": 10**400, "exp NaN": float("nan"), "exp object": {},
        "exp false": False,
    }  # fmt: skip
    for name, value in times.items():
        yield name, forger.signed(forger.claims(exp=value))
    for claim in ("exp", "sub", "aud"):
        yield f"no {claim}", forger.signed(forger.claims(**{claim: None}))
    yield "nbf in an hour", forger.signed(forger.claims(nbf=now + 3600))
    yield "iat in an hour", forger.signed(forger.claims(iat=now + 3600))
    for audience in ("", "other", "liftline2", ["other"], [], {"liftline": 1}, 7):
        yield f"audience {audience!r}", forger.signed(forger.claims(aud=audience))
    anna = forger.tenant
    for subject in (
        "", "*", ">", f"{anna}.>", f"a/{anna}", f"../{anna}", f"{anna}/", f" {anna}", f"{anna}\n", f"{anna}\0",
        "x" * 65,
        "ä", f"{anna}\u200b", 7, [anna], {anna: anna}, True,
    ):  # fmt: skip
        yield f"subject {subject!r}", forger.signed(forger.claims(sub=subject))
    for claims in ([], "text", 7, b"", b"null", b"{", b"\xff\xfe{}", b"[" * 50_000, b'{"a":' * 50_000):
        yield f"claims {claims!r:.20}", forger.signed(claims)
    yield "a number of 5,000 digits", forger.signed(b'{"exp":' + b"9" * 5000 + b"}")
    yield "100 KB of claims", forger.signed(forger.claims(x="x" * 100_000, aud="other"))


def _torn(forger: Forger, mine: str) -> Iterator[tuple[str, str]]:
    good, (head, claims, signature) = forger.signed(forger.claims()), mine.split(".")
    flipped = ("B" if signature[20] != "B" else "C").join([signature[:20], signature[21:]])
    wanted = encoded(forger.claims())
    yield "another's claims in mine", f"{head}.{wanted}.{signature}"
    yield "my claims twice", f"{head}.{claims}{wanted}.{signature}"
    yield "a flipped signature", f"{head}.{claims}.{flipped}"
    yield "half a signature", f"{head}.{claims}.{signature[:171]}"
    yield "a signature and more", f"{head}.{claims}.{signature}AAAA"
    yield "four parts", f"{head}.{claims}.{signature}.{signature}"
    yield "two parts", f"{head}.{claims}"
    yield "a dot before", f".{good}"
    yield "a space within", good[:50] + " " + good[50:]
    yield "as JSON", json.dumps({"payload": wanted, "signatures": [{"protected": head, "signature": signature}]})
    for text in (
        ".",
        "..",
        "...",
        "a.b.c",
        "null",
        "x" * 5000,
        "=" * 100,
        "%00",
        "${jndi:x}",
        hashlib.sha256().hexdigest(),
    ):
        yield f"text {text:.12}", text
    yield "the public key", forger.public.decode().replace("\n", " ")
