"""Videos in the store that name other files and hosts: none of them is ever opened, whatever becomes of the video."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import pytest

from liftline.adapters.s3 import S3Store
from liftline.errors import InvalidVideoError, LimitExceededError
from liftline.ports import VideoOpener
from liftline.progress import StopFlag
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
from liftline_cli.up.s3_server import S3Server
from tests.integration.hostile.bombs import BOMBS
from tests.integration.hostile.references import LISTS, inside_videos
from tests.integration.video.factory import VideoFactory
from tests.servers import s3_settings

KEY = "tenants/a/jobs/1/input/clip.mp4"
FOLLOWED = ("hls", "hls of lists", "hls with a key and a map", "concat")
"""What libav follows where nobody stops it."""


class Elsewhere:
    """A host and a file that nobody may touch. The file is a pipe: whoever opens it waits for ever."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.pipe = folder / "secret.mp4"
        os.mkfifo(self.pipe)

    @property
    def addresses(self) -> list[str]:
        return [
            f"http://{self.host}/secret.mp4", f"tcp://{self.host}", f"async:http://{self.host}/secret.mp4",
            str(self.pipe), f"file://{self.pipe}", f"file:{self.pipe}", f"concat:{self.pipe}|{self.pipe}",
            f"subfile,,start,0,end,9,,:{self.pipe}", f"crypto:{self.pipe}", os.path.relpath(self.pipe),
        ]  # fmt: skip

    def touched(self) -> bool:
        """Whether there was a request, or somebody waits at the pipe."""
        try:
            os.close(os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return bool(self.requests)
        return True


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    made = Elsewhere(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def store(s3_server: S3Server) -> S3Store:
    made = S3Store(s3_settings(s3_server, bucket="hostile"))
    made.ensure_bucket()
    return made


def frames_of(opener: VideoOpener, *, name: str) -> int:
    """Plan and read all of it. Raises InvalidVideoError."""
    plan = plan_video(opener, name=name, stop=StopFlag())
    return len(list(read_frames(opener, plan, start=0, stop=plan.frame_count, stop_token=StopFlag())))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_other_files_is_refused_and_nothing_is_opened(
    kind: str, store: S3Store, elsewhere: Elsewhere
) -> None:
    for address in elsewhere.addresses:
        store.put_bytes(KEY, LISTS[kind].format(address).encode())
        with pytest.raises(InvalidVideoError, match=r"clip\.mp4"):
            frames_of(partial(store.open, KEY), name="clip.mp4")
    assert not elsewhere.touched()


@pytest.mark.timeout(60)
def test_a_reference_inside_a_video_is_not_followed(store: S3Store, elsewhere: Elsewhere, tmp_path: Path) -> None:
    outcomes: dict[str, set[int]] = {}
    for number, address in enumerate(elsewhere.addresses):
        (tmp_path / str(number)).mkdir()
        for kind, path in inside_videos(tmp_path / str(number), address).items():
            store.put_file(KEY, path)
            try:
                frames = frames_of(partial(store.open, KEY), name="clip.mp4")
            except InvalidVideoError:
                frames = 0
            outcomes.setdefault(kind, set()).add(frames)
    assert not elsewhere.touched()
    assert not [path for path in tmp_path.rglob("*attached*") if path.suffix != ".mkv"]
    assert outcomes == {
        "mp4 data elsewhere": {30},
        "mp4 data elsewhere, by name": {30},
        "mov data elsewhere, by alias": {0},
        "mov reference movie": {0},
        "mov reference movie before a movie": {30},
        "mkv with an attachment": {30},
    }


@pytest.mark.timeout(60)
def test_a_video_is_found_by_its_bytes_whatever_it_is_called(
    store: S3Store, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    path = VideoFactory(tmp_path)()
    for name in ("%03d.png", "*.jpg", "clip.m3u8", "clip.sdp", "-i x", "concat:a|b", "pipe:0", "http://x", "lavfi"):
        key = f"tenants/a/jobs/1/input/{name.replace('/', '_')}"
        store.put_file(key, path)
        assert frames_of(partial(store.open, key), name=f"http://{elsewhere.host}/{name}") == 30
    assert not elsewhere.touched()


@pytest.mark.parametrize("kind", sorted(BOMBS.keys() - {"boxes"}))
def test_what_claims_to_be_enormous_is_refused(kind: str, store: S3Store, tmp_path: Path) -> None:
    maker, message = BOMBS[kind]
    store.put_bytes(KEY, maker(VideoFactory(tmp_path)))
    with pytest.raises((InvalidVideoError, LimitExceededError), match=message):
        frames_of(partial(store.open, KEY), name="clip.mp4")


@pytest.mark.parametrize("kind", FOLLOWED)
def test_libav_itself_would_have_followed_it(kind: str, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """So that the tests above are about files that work."""
    path = tmp_path / "careless"
    path.write_text(LISTS[kind].format(elsewhere.addresses[0]))
    options = {"safe": "0", "protocol_whitelist": "file,http,tcp", "allowed_extensions": "ALL"}
    options |= {"extension_picky": "0", "seg_format_options": "", "http_persistent": "0"}
    with pytest.raises(av.FFmpegError):
        av.open(str(path), format="concat" if kind == "concat" else "hls", options=options).close()
    assert set(elsewhere.requests) == {"/secret.mp4"}


def test_libav_itself_would_have_followed_an_alias(elsewhere: Elsewhere, tmp_path: Path) -> None:
    path = inside_videos(tmp_path, str(tmp_path / "other.mov"))["mov data elsewhere, by alias"]
    asked: list[str] = []

    def note(url: str, flags: int, options: dict[str, str]) -> object:
        asked.append(url)
        raise FileNotFoundError(url)

    options = {"enable_drefs": "1", "use_absolute_path": "1"}
    with path.open("rb") as file, pytest.raises(FileNotFoundError):
        av.open(file, options=options, io_open=note)
    assert asked == [str(tmp_path / "other.mov")]
