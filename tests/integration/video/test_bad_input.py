"""What is no usable video is refused in one clear sentence, and no file can make libav open another one."""

from __future__ import annotations

import av
import pytest

from liftline.errors import InvalidVideoError
from liftline.video import opening
from liftline.video.opening import local_opener, main_audio_stream, open_container


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidVideoError, match=r"gone\.mp4: no such file"):
        local_opener(tmp_path / "gone.mp4")


def test_a_folder_is_no_video(tmp_path):
    with pytest.raises(InvalidVideoError, match="not a file"):
        local_opener(tmp_path)


def references(other):
    """Files whose whole content is the name of another one."""
    return {
        "list.m3u8": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n",
        "list.mp4": f"ffconcat version 1.0\nfile '{other}'\n",
        "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "list.mpd": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet><Representation id="1">'
        f"<BaseURL>{other}</BaseURL></Representation></AdaptationSet></Period></MPD>\n",
    }


@pytest.mark.parametrize(("demuxer", "name"), [("hls", "list.m3u8"), ("concat", "list.mp4"), ("dash", "list.mpd")])
def test_even_a_demuxer_for_lists_could_not_open_another_file(demuxer, name, make_video, write):
    """The second wall: were such a demuxer let in, the callback would still refuse every name."""
    path = write(name, references(make_video("other.ts"))[name].encode())
    asked = []

    def refuse(url, flags, options):
        asked.append(url)
        opening._refuse(url, flags, options)

    with path.open("rb") as file, pytest.raises((InvalidVideoError, av.FFmpegError)):
        av.open(file, format=demuxer, container_options={"protocol_whitelist": ""}, io_open=refuse)


@pytest.mark.parametrize(
    "format_name", ["hls", "concat", "dash", "image2", "image2pipe", "png_pipe", "sdp", "rtsp", "lavfi"]
)
def test_no_demuxer_that_opens_other_files_is_on_the_list(format_name):
    assert format_name not in opening.CONTAINERS.split(",")


def test_every_container_on_the_list_exists():
    known = {part for name in av.formats_available for part in name.split(",")}
    assert set(opening.CONTAINERS.split(",")) <= known


def test_names_with_spaces_and_other_alphabets_work(make_video, plan_of, read):
    path = make_video("mein Vidéo – 動画 %03d.mp4", frames=3)
    plan = plan_of(path)
    assert plan.info.name == path.name
    assert len(read(path, plan)) == 3


def test_the_file_is_closed_after_a_refusal(write):
    path, opened = write("text.mp4", b"no video\n" * 50), []

    def opener():
        opened.append(path.open("rb"))
        return opened[-1]

    with pytest.raises(InvalidVideoError), open_container(opener, name="text.mp4"):
        pass
    assert opened[0].closed


def test_the_audio_beside_the_video_is_found(make_video):
    path = make_video(audio="aac")
    with open_container(local_opener(path), name="clip") as container:
        assert main_audio_stream(container).codec_context.name == "aac"
    with open_container(local_opener(make_video("silent.mp4")), name="clip") as container:
        assert main_audio_stream(container) is None
