"""One request over HTTPS: certificates checked, proxies of the environment, no step down to an unencrypted address."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ProxySchemeUnknown,
    ProxySchemeUnsupported,
    SSLError,
)
from urllib3.exceptions import TimeoutError as NoAnswerError

from liftline import __version__
from liftline.net.addresses import is_loopback

Connect = Callable[[str], urllib3.PoolManager]
"""Makes connections to an address."""

MAX_REDIRECTS = 5
_PIECE_BYTES = 1 << 16
_TIMEOUT = urllib3.Timeout(connect=15, read=30)


class Interrupted(Exception):  # noqa: N818 - no failure yet: another attempt follows
    """The connection couldn't be made, or broke off; `wait_s` is what the server asked for."""

    def __init__(self, reason: str, *, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class AddressError(Exception):
    """An address that can't be used, now or later; `problem` says why, without the address."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"{url}: {problem}")
        self.url, self.problem = url, problem


def open_url(url: str, headers: dict[str, str], *, connect: Connect | None = None) -> urllib3.BaseHTTPResponse:
    """The response to a GET, after redirects, its body unread. The caller closes it.

    Raises:
        Interrupted: no connection.
        AddressError: a certificate that isn't trusted, an unencrypted address, an unusable proxy, too many redirects.
    """
    unencrypted = is_loopback_url(url)
    headers = {"Accept-Encoding": "identity", "User-Agent": f"liftline/{__version__}", **headers}
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme != "https" and not (unencrypted and is_loopback_url(url)):
            raise AddressError(url, "not an https address, so nothing is fetched from there.")
        response = _get(url, headers, connect or pool)
        if not (location := response.get_redirect_location()):
            return response
        response.close()
        url = urljoin(url, location)
    raise AddressError(url, f"more than {MAX_REDIRECTS} redirects, so nothing was fetched.")


def reason(error: HTTPError) -> str:
    """Why a request failed, as part of a sentence."""
    cause = error.original_error if isinstance(error, ProxyError) else error
    match cause:
        case NameResolutionError():
            text = "its name can't be resolved"
        case NewConnectionError():
            text = f"no connection: {getattr(cause.__cause__, 'strerror', None) or cause.__cause__}"
        case NoAnswerError():
            text = "no answer in time"
        case HTTPError():
            text = "the connection broke off"
        case _:
            text = str(cause)
    return f"through the proxy, {text}" if isinstance(error, ProxyError) else text


def _get(url: str, headers: dict[str, str], connect: Connect) -> urllib3.BaseHTTPResponse:
    try:
        return connect(url).request(
            "GET", url, headers=headers, redirect=False, retries=False, preload_content=False, decode_content=False
        )
    except (LocationValueError, ProxySchemeUnknown, ProxySchemeUnsupported) as error:
        raise AddressError(url, f"can't be asked for ({error}); check HTTPS_PROXY.") from error
    except SSLError as error:
        if isinstance(error.args[0], ssl.SSLCertVerificationError):
            raise AddressError(
                url,
                f"the server's certificate isn't trusted ({error.args[0].verify_message}); if a proxy of your "
                "organisation reads along, name its certificates by SSL_CERT_FILE.",
            ) from error
        raise Interrupted(reason(error)) from error
    except HTTPError as error:
        raise Interrupted(reason(error)) from error


def pool(url: str, *, timeout: urllib3.Timeout = _TIMEOUT, ca_file: Path | None = None) -> urllib3.PoolManager:
    """What makes connections to there; authorities of `ca_file` are trusted besides the system's."""
    parts = urlsplit(url)
    context = None
    if ca_file is not None and parts.scheme == "https":
        context = ssl.create_default_context()
        context.load_verify_locations(ca_file)
    proxies = {} if proxy_bypass(parts.hostname or "") else getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return urllib3.PoolManager(timeout=timeout, ssl_context=context, blocksize=_PIECE_BYTES)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    login = urllib3.util.parse_url(proxy).auth
    proxy_headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(
        proxy, proxy_headers=proxy_headers, timeout=timeout, ssl_context=context, blocksize=_PIECE_BYTES
    )


def is_loopback_url(url: str) -> bool:
    """Whether what is sent there stays on this machine."""
    return is_loopback(urlsplit(url).hostname or "")
