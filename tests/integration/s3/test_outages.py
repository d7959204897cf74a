"""An S3 server that goes away in the middle of anything: soon back, and nobody notices; else it is told in time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from liftline.adapters.s3 import S3Store
from liftline.errors import UnavailableError
from liftline_cli.up.s3_server import S3Server
from tests.integration.s3.cutting import CuttingProxy
from tests.servers import running_s3, s3_settings

LARGE = bytes(range(256)) * (100 << 10)
"""25 MiB: four parts."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("own-s3")) as own:
        yield own


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    return path


def store_on(server: S3Server, *, retry_s: float, answer_s: float = 20.0) -> S3Store:
    store = S3Store(s3_settings(server, bucket="outages"), retry_s=retry_s, answer_s=answer_s)
    store.ensure_bucket()
    return store


@contextmanager
def away(server: S3Server, *, for_s: float) -> Iterator[None]:
    """Killed before the block; the block starts what is to survive it; back after so long."""
    server.kill()
    yield
    time.sleep(for_s)
    server.start()


USES: dict[str, Callable[[S3Store, Path], object]] = {
    "put_bytes": lambda store, path: store.put_bytes("t/x", b"1"),
    "put_file": lambda store, path: store.put_file("t/x", path),
    "get_bytes": lambda store, path: store.get_bytes("t/there", at_most=9),
    "get_file": lambda store, path: store.get_file("t/there", path.with_name("taken")),
    "open": lambda store, path: store.open("t/there").read(),
    "size": lambda store, path: store.size("t/there"),
    "copy": lambda store, path: store.copy("t/there", "t/copy"),
    "remove": lambda store, path: store.remove("t/x"),
    "keys": lambda store, path: list(store.keys("t/")),
    "remove_all": lambda store, path: store.remove_all("t/copies/"),
    "ensure_bucket": lambda store, path: store.ensure_bucket(),
}


def test_a_server_that_is_soon_back_is_waited_for(server: S3Server, large: Path) -> None:
    store = store_on(server, retry_s=20)
    store.put_bytes("t/there", b"whole")
    with ThreadPoolExecutor(len(USES)) as threads:
        with away(server, for_s=1.0):
            uses = [threads.submit(use, store, large) for use in USES.values()]
        for use in uses:
            use.result()
    assert large.with_name("taken").read_bytes() == b"whole"
    assert store.get_bytes("t/copy", at_most=9) == b"whole"


def test_a_server_that_stays_away_is_told_in_time_by_all(server: S3Server, large: Path) -> None:
    store = store_on(server, retry_s=0.5)

    def seconds(use: Callable[[S3Store, Path], object]) -> float:
        start = time.monotonic()
        with pytest.raises(UnavailableError, match=f"store at {server.endpoint} doesn't answer .*LIFTLINE_S3_ENDPOINT"):
            use(store, large)
        return time.monotonic() - start

    server.kill()
    try:
        with ThreadPoolExecutor(len(USES)) as threads:
            taken = list(threads.map(seconds, USES.values()))
    finally:
        server.start()
    assert max(taken) < 5
    assert not large.with_name("taken").exists()


def test_a_server_that_hangs_is_told_in_time(server: S3Server) -> None:
    store = store_on(server, retry_s=0.5, answer_s=0.5)
    assert server.child is not None
    process = server.child.process
    process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        with pytest.raises(UnavailableError, match="doesn't answer"):
            store.put_bytes("t/x", b"1")
        assert time.monotonic() - start < 5
    finally:
        process.send_signal(signal.SIGCONT)


def test_a_server_killed_in_the_middle_of_transfers_is_waited_for(server: S3Server, large: Path) -> None:
    """Several times, at moments that differ: before the first part, between parts, while they are put together."""
    store = store_on(server, retry_s=20)
    store.put_file("t/there", large)
    with ThreadPoolExecutor(2) as threads:
        for number, after_s in enumerate((0.02, 0.08, 0.15)):
            put = threads.submit(store.put_file, f"t/{number}", large)
            got = threads.submit(store.get_file, "t/there", large.with_name("taken"))
            time.sleep(after_s)
            with away(server, for_s=0.2):
                pass
            put.result()
            got.result()
            assert large.with_name("taken").read_bytes() == LARGE
            assert store.get_bytes(f"t/{number}", at_most=len(LARGE)) == LARGE


def test_a_download_that_breaks_off_again_and_again_goes_on_where_it_was(server: S3Server, large: Path) -> None:
    store_on(server, retry_s=5).put_file("t/there", large)
    with CuttingProxy(server.port, answer_bytes=6 << 20) as proxy:
        settings = s3_settings(server, bucket="outages").model_copy(update={"endpoint": proxy.endpoint})
        store = S3Store(settings, retry_s=5)
        store.get_file("t/there", large.with_name("taken"))
        with store.open("t/there") as stream:
            assert stream.read() == LARGE
    assert large.with_name("taken").read_bytes() == LARGE
    assert proxy.cut >= 4


def test_a_download_that_never_gets_anywhere_ends(server: S3Server, large: Path) -> None:
    store_on(server, retry_s=5).put_file("t/there", large)
    with CuttingProxy(server.port, answer_bytes=600) as proxy:  # the headers, and little more
        settings = s3_settings(server, bucket="outages").model_copy(update={"endpoint": proxy.endpoint})
        with pytest.raises(UnavailableError, match="doesn't answer"):
            S3Store(settings, retry_s=0.5).get_file("t/there", large.with_name("taken"))
    assert list(large.parent.iterdir()) == [large]


def test_half_an_upload_is_not_visible(server: S3Server, large: Path) -> None:
    store = store_on(server, retry_s=0.5)
    for length in (4 << 20, len(LARGE)):  # in one request; in parts, of which some arrive
        large.write_bytes(LARGE[:length])
        with CuttingProxy(server.port, request_bytes=length // 2) as proxy:
            settings = s3_settings(server, bucket="outages").model_copy(update={"endpoint": proxy.endpoint})
            with pytest.raises(UnavailableError):
                S3Store(settings, retry_s=0.5).put_file("t/half", large)
        assert proxy.cut >= 1
        assert store.size("t/half") is None
        assert "t/half" not in list(store.keys("t/"))
