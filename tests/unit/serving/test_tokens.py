"""Tokens: whoever signed with the right key, for this audience, not too long ago, is let in; nobody else."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from liftline.errors import UsageError
from liftline.service.api_errors import ApiError, ErrorKind
from liftline.service.tokens import OPERATOR, Caller, TokenChecker, mint_token
from tests.unit.serving.keys import KINDS, KeyFiles, forged, key_files, private_key

HOUR = timedelta(hours=1)
ENDS_IN_A_TAB = ec.derive_private_key(21, ec.SECP256R1())
"""Its public key as DER does."""


@pytest.fixture
def secret(tmp_path: Path) -> KeyFiles:
    return key_files(tmp_path, "secret")


def checker(keys: KeyFiles) -> TokenChecker:
    return TokenChecker(keys.checking, audience="liftline")


def token(keys: KeyFiles, *, audience: str = "liftline", lifetime: timedelta = HOUR) -> str:
    return mint_token(keys.signing, tenant="acme", audience=audience, lifetime=lifetime)


def claims(**changes: object) -> dict[str, object]:
    usual: dict[str, object] = {"sub": "acme", "aud": "liftline", "exp": time.time() + 3600}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def refusal(keys: KeyFiles, text: str) -> tuple[ErrorKind, str]:
    with pytest.raises(ApiError) as caught:
        checker(keys).check(text)
    return caught.value.kind, caught.value.reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_signed_with_the_right_key_tells_its_tenant(tmp_path: Path, kind: str) -> None:
    keys = key_files(tmp_path, kind)
    assert checker(keys).check(token(keys)) == Caller("acme")


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_signed_with_another_key_of_the_kind_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "other").mkdir()
    keys, others = key_files(tmp_path, kind), key_files(tmp_path / "other", kind)
    assert refusal(keys, token(others)) == (ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID")


def test_scopes_come_from_the_token(secret: KeyFiles) -> None:
    text = mint_token(
        secret.signing, tenant="ops", audience="liftline", lifetime=HOUR, scopes=[OPERATOR, "liftline.other"]
    )
    assert checker(secret).check(text) == Caller("ops", frozenset({OPERATOR, "liftline.other"}))


@pytest.mark.parametrize("scope", [7, None, ["liftline.operator"], {"liftline.operator": True}])
def test_a_scope_that_is_no_text_gives_no_rights(secret: KeyFiles, scope: object) -> None:
    text = jwt.encode(claims(scope=scope), secret.signing.read_text().strip(), algorithm="HS256")
    assert checker(secret).check(text).scopes == frozenset()


def test_an_expired_token_is_refused(secret: KeyFiles) -> None:
    text = token(secret, lifetime=timedelta(seconds=-60))
    assert refusal(secret, text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_EXPIRED")


def test_a_token_for_another_audience_is_refused(secret: KeyFiles) -> None:
    text = token(secret, audience="billing")
    assert refusal(secret, text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_AUDIENCE")


@pytest.mark.parametrize("missing", ["exp", "sub", "aud"])
def test_a_token_without_a_needed_claim_is_refused(secret: KeyFiles, missing: str) -> None:
    text = jwt.encode(claims(**{missing: None}), secret.signing.read_text().strip(), algorithm="HS256")
    assert refusal(secret, text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_CLAIMS")


@pytest.mark.parametrize("exp", [10**400, float("inf"), float("nan"), 1e308], ids=["1e400", "inf", "nan", "1e308"])
def test_a_token_that_ends_when_no_clock_can_show_it_is_refused_or_just_a_long_one(
    secret: KeyFiles, exp: float
) -> None:
    text = jwt.encode(claims(exp=exp), secret.signing.read_text().strip(), algorithm="HS256")
    if exp == 1e308:
        assert checker(secret).check(text) == Caller("acme")
    else:
        assert refusal(secret, text)[0] is ErrorKind.UNAUTHENTICATED


def test_a_token_for_later_is_refused(secret: KeyFiles) -> None:
    text = jwt.encode(claims(nbf=time.time() + 600), secret.signing.read_text().strip(), algorithm="HS256")
    assert refusal(secret, text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_NOT_YET_VALID")


@pytest.mark.parametrize("tenant", ["", "a.b", "a/b", "*", ">", "a b", "x" * 65, "ä"])
def test_a_subject_that_would_reach_into_other_tenants_keys_is_refused(secret: KeyFiles, tenant: str) -> None:
    text = jwt.encode(claims(sub=tenant), secret.signing.read_text().strip(), algorithm="HS256")
    assert refusal(secret, text) == (ErrorKind.PERMISSION_DENIED, "TOKEN_SUBJECT")
    with pytest.raises(UsageError, match="tenant"):
        mint_token(secret.signing, tenant=tenant, audience="liftline", lifetime=HOUR)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_a_token_that_says_it_needs_no_signature_is_refused(tmp_path: Path, kind: str, algorithm: str) -> None:
    text = forged({"alg": algorithm, "typ": "JWT"}, claims(), secret=None)
    assert refusal(key_files(tmp_path, kind), text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("kind", ["ed25519", "p256", "rsa"])
def test_a_public_key_is_no_shared_secret(tmp_path: Path, kind: str) -> None:
    keys = key_files(tmp_path, kind)
    content = keys.checking.read_bytes()
    for secret_bytes in (content, content.strip()):
        text = forged({"alg": "HS256", "typ": "JWT"}, claims(), secret=secret_bytes)
        assert refusal(keys, text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "x" * 5000, "\udcff".encode(errors="replace").decode()])
def test_what_is_no_token_is_refused(secret: KeyFiles, text: str) -> None:
    assert refusal(secret, text) == (ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID")


def test_a_tampered_token_is_refused(secret: KeyFiles) -> None:
    head, _, signature = token(secret).split(".")
    _, others_claims, _ = forged({"alg": "HS256"}, claims(sub="other"), secret=b"x").split(".")
    assert refusal(secret, f"{head}.{others_claims}.{signature}") == (ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID")


def test_a_private_key_where_a_public_one_belongs_is_told(tmp_path: Path) -> None:
    keys = key_files(tmp_path, "ed25519")
    with pytest.raises(UsageError, match=r"ed25519\.pem: not a public key"):
        TokenChecker(keys.signing, audience="liftline")
    with pytest.raises(UsageError, match=r"ed25519_public\.pem: not a private key"):
        mint_token(keys.checking, tenant="acme", audience="liftline", lifetime=HOUR)


@pytest.mark.parametrize(
    "content",
    [
        private_key("p256").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        ENDS_IN_A_TAB.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        private_key("ed25519").public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        b'{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    ],
    ids=["der", "der that ends in a tab", "openssh", "jwk"],
)
def test_a_public_key_in_another_form_is_not_taken_for_a_secret(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="PEM"):
        TokenChecker(path, audience="liftline")


def test_weak_keys_are_refused(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("password")
    with pytest.raises(UsageError, match="at least 32 bytes"):
        TokenChecker(short, audience="liftline")
    for name, key in (
        ("rsa", rsa.generate_private_key(65537, 1024)),
        ("p384", ec.generate_private_key(ec.SECP384R1())),
    ):
        path = tmp_path / name
        path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(UsageError, match="Ed25519, P-256, or RSA of 2048"):
            TokenChecker(path, audience="liftline")


def test_a_missing_key_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none: the key for tokens can't be read \(No such file"):
        TokenChecker(tmp_path / "none", audience="liftline")
