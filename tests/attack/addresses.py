"""Upload forms and download addresses, bent: B wants A's objects, other places, other sizes, an audience."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from liftline.upload_form import UploadForm
from liftline.v1 import job_service_pb2 as api
from tests.attack.ground import ANSWER_S, Ground, ended_in_time
from tests.attack.trials import FellError, Trial, hold
from tests.forms import form_of, send, tricks

SENT = b"what b sends, 40 bytes long, as announced"
Bend = Callable[[UploadForm], Mapping[str, object]]


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """Forms first, then addresses."""
    found = [*_uploads(ground), *_downloads(ground)]
    yield from found[:: len(found) // 12] if few else found


def _uploads(ground: Ground) -> Iterator[Trial]:
    secret = next(iter(ground.objects))
    for name, pairs in tricks(ground.cluster.bucket, secret).items():
        for times in (1, 2):
            doubled = pairs * times
            yield f"header {name} x{times}", partial(_upload, ground, lambda _, d=doubled: {"headers": d})  # type: ignore[misc]
            yield f"field {name} x{times} first", partial(_upload, ground, lambda _, d=doubled: {"first": d})  # type: ignore[misc]
            yield f"field {name} x{times} last", partial(_upload, ground, lambda _, d=doubled: {"last": d})  # type: ignore[misc]
    for length in (0, 1, len(SENT) - 1, len(SENT) + 1, 200_000):
        yield f"{length} bytes", partial(_upload, ground, lambda _, n=length: {"file": bytes(n)})  # type: ignore[misc]
    for key in (secret, f"tenants/{ground.b.name}/uploads/other/clip.mp4", "${filename}", "../x", "probes/x"):
        bend = lambda form, k=key: {"form": replace(form, fields={**form.fields, "key": k})}  # noqa: E731
        yield f"to {key}", partial(_upload, ground, bend)
        for where in ("first", "last"):
            also = lambda _, k=key, w=where: {w: [("key", k)]}  # noqa: E731
            yield f"to {key} too, {where}", partial(_upload, ground, also)
    for query in ("acl", "tagging", "uploads", "delete", "x-amz-acl=public-read", "append&position=0"):
        bend = lambda form, q=query: {"form": replace(form, address=f"{form.address}?{q}")}  # noqa: E731
        yield f"form with ?{query}", partial(_upload, ground, bend)
    for method in ("PUT", "GET", "DELETE", "POST", "HEAD"):
        for copy in (False, True):
            yield f"{method} signed as the form{' and a source' * copy}", partial(_signed, ground, method, copy=copy)


def _form(ground: Ground) -> UploadForm:
    with ground.calling() as stub:
        asked = api.CreateUploadRequest(file_name="clip.mp4", size_bytes=len(SENT))
        made = stub.CreateUpload(asked, metadata=ground.b.metadata, timeout=ANSWER_S)
    return form_of(made, size_bytes=len(SENT))


def _upload(ground: Ground, bend: Bend) -> None:
    form = _form(ground)
    changed = {"form": form, "file": SENT, **bend(form)}
    bent, file = changed.pop("form"), changed.pop("file")
    assert isinstance(bent, UploadForm)
    assert isinstance(file, bytes)
    before = _places(ground)
    send(ground.http, bent, file, **changed)  # type: ignore[arg-type]
    _check(ground, form.fields["key"], before)


def _signed(ground: Ground, method: str, *, copy: bool) -> None:
    """What signs the form, as a query and as a header, on the form's object and on A's."""
    form, secret = _form(ground), next(iter(ground.objects))
    fields = {name: value for name, value in form.fields.items() if name != "key"}
    query = {name.title(): value for name, value in fields.items()} | {
        "X-Amz-Expires": "3600", "X-Amz-SignedHeaders": "host",
    }  # fmt: skip
    before = _places(ground)
    headers = {"x-amz-copy-source": f"/{ground.cluster.bucket}/{secret}", "x-amz-acl": "public-read"} if copy else {}
    for key in (form.fields["key"], secret):
        for one in (query, fields, {}):
            body = SENT if method in ("PUT", "POST") else None
            answer = ground.http.request(method, f"{ground.address(key)}?{urlencode(one)}", body=body, headers=headers)
            hold(answer.status >= 400, f"{method} of {key} with the signature of a form: {answer.status}")
    _check(ground, form.fields["key"], before)


def _places(ground: Ground) -> set[str]:
    """All objects but those of B's jobs, which come and go by themselves."""
    return {key for key in ground.store.keys("") if not key.startswith(f"tenants/{ground.b.name}/jobs/")}


def _check(ground: Ground, key: str, before: set[str]) -> None:
    """The form's object holds what was sent, or isn't there; nothing else has changed, and nobody else may read."""
    after = _places(ground)
    hold(after - before <= {key} and before <= after, f"other objects: {sorted(after ^ before)}")
    if key in after:
        found = ground.store.get_bytes(key, at_most=1 << 20)
        hold(found == SENT, f"the upload holds other bytes: {found[:60]!r}")
        hold(ground.http.request("GET", ground.address(key)).status == 403, "anybody can read the upload")
        ground.store.remove(key)
    ground.check_hers()


def _downloads(ground: Ground) -> Iterator[Trial]:
    """B's own address, turned to what isn't B's."""
    name = "standin-segments=1.mp4"
    job = ended_in_time(ground.b, ground.submitted(ground.b, name))
    with ground.calling() as stub:
        listed = stub.ListArtifacts(
            api.ListArtifactsRequest(name=f"jobs/{job.id}"), metadata=ground.b.metadata, timeout=ANSWER_S
        )  # fmt: skip
    address = listed.files[0].download_uri
    own = ground.http.request("GET", address).data
    secret = "/" + ground.cluster.bucket + "/" + quote(next(iter(ground.objects)))
    for what, method, target, headers in _bent(address, secret):
        yield f"address: {what}", partial(_download, ground, own, address, method, target, headers)


def _bent(address: str, secret: str) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Name, method, target and headers."""
    url = urlsplit(address)
    query, folder = url.query, url.path.rpartition("/")[0]
    pairs = dict(parse_qsl(query))
    up = folder + "/" + "../" * (folder.count("/") - 1)
    bucket = "/" + url.path.split("/")[1]
    targets = {
        "A's object": f"{secret}?{query}",
        "A's object by ..": f"{up}{secret.split('/', 2)[2]}?{query}",
        "A's object by %2e%2e": f"{up.replace('..', '%2e%2e')}{secret.split('/', 2)[2]}?{query}",
        "A's object by //": f"/{secret}?{query}",
        "A's object, slashes encoded": f"{bucket}/{secret.split('/', 2)[2].replace('/', '%2F')}?{query}",
        "no signature": url.path,
        "A's object, no signature": secret,
        "the bucket": f"{bucket}?{query}",
        "a listing": f"{bucket}?list-type=2&prefix=tenants/&{query}",
        "another type": f"{url.path}?{query}&response-content-type=text%2Fhtml",
        "a week": f"{url.path}?{urlencode({**pairs, 'X-Amz-Expires': '604800'})}",
        "a later date": f"{url.path}?{urlencode({**pairs, 'X-Amz-Date': '20990101T000000Z'})}",
        "nothing signed": f"{secret}?{urlencode({**pairs, 'X-Amz-SignedHeaders': ''})}",
        "its signature twice": f"{secret}?{query}&X-Amz-Signature={pairs['X-Amz-Signature']}",
        "an empty signature": f"{secret}?{urlencode({**pairs, 'X-Amz-Signature': ''})}",
        "the old algorithm": f"{secret}?AWSAccessKeyId=x&Expires=4102444800&Signature=x",
        "its ACL": f"{url.path}?acl&{query}",
        "its policy": f"{bucket}?policy&{query}",
        "uploads": f"{bucket}?uploads&{query}",
        "versions": f"{bucket}?versions&{query}",
    }
    for what, target in targets.items():
        yield what, "GET", target, {}
    for method in ("PUT", "POST", "DELETE", "HEAD"):
        yield f"{method} instead", method, f"{url.path}?{query}", {}
    yield "PUT of A's object", "PUT", f"{url.path}?{query}", {"x-amz-copy-source": secret}
    yield "another host", "GET", f"{url.path}?{query}", {"Host": "127.0.0.1:1"}
    yield "another method by a header", "GET", f"{url.path}?{query}", {"X-HTTP-Method-Override": "DELETE"}


def _download(
    ground: Ground, own: bytes, address: str, method: str, target: str, headers: dict[str, str]
) -> None:  # fmt: skip
    """Sent as it is: cleverer clients tidy addresses up."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=ANSWER_S)
    try:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status < 400 and (method, body) != ("GET", own):
        raise FellError(f"{method} {target[:100]}: {answer.status}, {body[:100]!r}")
    hold(ground.http.request("GET", address).data == own, "B's own object has changed")
    ground.check_hers()
