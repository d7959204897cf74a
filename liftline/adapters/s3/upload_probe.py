"""Whether a store keeps to its upload forms: everything that a tenant could try with one is tried, on objects of ours.

On a store that obeys headers or fields which nobody signed, whoever may upload can copy what others have stored into an
upload of their own, and let everybody read it (ADR 0014).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode

import structlog
import urllib3
from urllib3.exceptions import HTTPError

from liftline.adapters.s3.client import anonymous
from liftline.adapters.s3.store import ANSWER_S, S3Store
from liftline.errors import UnavailableError, UsageError
from liftline.jobs.naming import first_id, new_id
from liftline.net.retrying import S3_REQUEST
from liftline.settings.services import S3Settings
from liftline.upload_form import UploadForm, form_body

PREFIX = "probes/"
"""What keys of probes begin with; no tenant's do."""

_SENT_BYTES, _EXPIRES, _FORGOTTEN = 32, timedelta(minutes=10), timedelta(hours=1)
_EVERYBODY = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'
_OPEN = (
    "so tenants could read or publish what others have stored. Use a store that keeps to POST policies "
    "(docs/operations.md, section Security), upgrade this one, or take away what opens the bucket to everybody"
)
_NO_FORMS = (
    "so nobody could upload anything. Use a store that takes POST policies (docs/operations.md, section Security), and "
    "let what stands before it pass them on"
)
log = structlog.get_logger(__name__)


def probe_uploads(settings: S3Settings, *, retry_s: float = S3_REQUEST.timeout_s, answer_s: float = ANSWER_S) -> None:
    """Upload to a bucket that is there, as forms allow and as they don't; the two objects of it are removed again.

    `retry_s`, `answer_s`: as those of `S3Store`.

    Raises UsageError where the store doesn't take forms, or takes more than they say; UnavailableError.
    """
    inside = settings.model_copy(update={"public_endpoint": None})
    store = S3Store(inside, retry_s=retry_s, answer_s=answer_s)
    folder = f"{PREFIX}{new_id()}/"
    theirs, upload = f"{folder}theirs", f"{folder}upload"
    form = store.upload_form(upload, size_bytes=_SENT_BYTES, expires=_EXPIRES)
    http = anonymous(inside, retry_s=retry_s, answer_s=answer_s)
    probe = _Probe(settings, store, http, form, theirs, upload, sent=secrets.token_bytes(_SENT_BYTES))
    _forget_old(store)
    try:
        store.put_bytes(theirs, secrets.token_bytes(_SENT_BYTES))
        probe.run()
    finally:
        store.remove(theirs)
        store.remove(upload)
    log.info("upload_forms_are_kept_to", bucket=settings.bucket)


def _forget_old(store: S3Store) -> None:
    """Objects of gateways that were killed while they probed."""
    since = f"{PREFIX}{first_id(_FORGOTTEN)}"
    for key in [key for key in store.keys(PREFIX) if key < since]:
        store.remove(key)


@dataclass(frozen=True)
class _Probe:
    """One form of an object `upload`, beside which there is the object `theirs`."""

    settings: S3Settings
    store: S3Store
    http: urllib3.PoolManager
    form: UploadForm
    theirs: str
    upload: str
    sent: bytes

    def run(self) -> None:
        """All attempts, one after the other. Raises UsageError at the first that works and mustn't."""
        self._honest()
        for body in (self.sent[:-1], self.sent + b"x"):
            self._post(body)
            self._check(f"a file of {len(body)} bytes where {len(self.sent)} were announced")
        for extra in self._tricks():
            told = " and ".join(extra)
            self._post(self.sent, headers=extra)
            self._check(f"a form with the headers {told}")
            self._post(self.sent, fields=extra)
            self._check(f"a form with the fields {told}")
            self._put(extra)
            self._check(f"a PUT with the form's signature and the headers {told}")

    def _tricks(self) -> Iterator[Mapping[str, str]]:
        """What copies, what publishes, and both; ACL and grants apart, since AWS takes no request with both."""
        copy = {"x-amz-copy-source": f"/{self.settings.bucket}/{self.theirs}"}
        public = ({"x-amz-acl": "public-read"}, {"x-amz-grant-read": _EVERYBODY}, {"acl": "public-read"})
        yield copy
        yield copy | {"x-amz-metadata-directive": "REPLACE"}
        for opening in public:
            yield opening
            yield copy | opening

    def _honest(self) -> None:
        status = self._post(self.sent)
        if self._stored() != self.sent:
            raise self._refusal(f"it answered {status} to an upload form as S3 defines it", _NO_FORMS)
        self._check("a form as it should be")

    def _check(self, attempt: str) -> None:
        """Raises UsageError where the attempt did anything but store what was sent, for nobody else to read."""
        found = self._stored()
        if found not in (None, self.sent):
            raise self._refusal(f"after {attempt}, the upload held other bytes than were sent and announced", _OPEN)
        for key in (self.upload, self.theirs):
            if self._request("GET", self._address(key)).status // 100 == 2:
                whose = "the upload" if key == self.upload else "another object"
                raise self._refusal(f"after {attempt}, anybody could read {whose} without a key", _OPEN)
        self.store.remove(self.upload)

    def _stored(self) -> bytes | None:
        size = self.store.size(self.upload)
        return None if size is None else self.store.get_bytes(self.upload, at_most=size)

    def _post(
        self, file: bytes, *, headers: Mapping[str, str] | None = None, fields: Mapping[str, str] | None = None
    ) -> int:
        around = form_body({**self.form.fields, **(fields or {})})
        sent = {**(headers or {}), "Content-Type": around.content_type}
        body = around.before + file + around.after
        return self._request("POST", self.form.address, headers=sent, body=body).status

    def _put(self, headers: Mapping[str, str]) -> None:
        address = f"{self._address(self.upload)}?{urlencode(self.form.fields)}"
        self._request("PUT", address, headers=headers, body=self.sent)

    def _address(self, key: str) -> str:
        return f"{self.form.address.rstrip('/')}/{quote(key)}"

    def _request(
        self, method: str, address: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        with self._telling():
            return self.http.urlopen(method, address, headers=headers, body=body)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            raise UnavailableError(
                f"the artifact store at {self.settings.endpoint} doesn't answer a trial upload ({error}); check that "
                "it runs, LIFTLINE_S3_ENDPOINT and LIFTLINE_S3_CA_FILE."
            ) from error

    def _refusal(self, what: str, why_and_what_to_do: str) -> UsageError:
        return UsageError(
            f"the artifact store at {self.settings.endpoint} can't be used for uploads: {what}, {why_and_what_to_do}."
        )
