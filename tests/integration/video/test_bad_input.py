"""What is no usable video is refused in one clear sentence, and no file can make libav open another one."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from liftline.errors import ExitCode, InvalidVideoError
from liftline.video import opening
from liftline.video.opening import local_opener, main_audio_stream, open_container


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def complaint(path, plan_of):
    with pytest.raises(InvalidVideoError) as caught:
        plan_of(path)
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert message.endswith(".")
    assert "\n" not in message
    return message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidVideoError, match=r"gone\.mp4: no such file"):
        local_opener(tmp_path / "gone.mp4")


def test_a_folder_is_no_video(tmp_path):
    with pytest.raises(InvalidVideoError, match="not a file"):
        local_opener(tmp_path)


def test_an_empty_file_is_told_apart(write, plan_of):
    assert "the file is empty" in complaint(write("empty.mp4", b""), plan_of)


@pytest.mark.parametrize("data", [b"This is no video.\n" * 100, np.random.default_rng(0).bytes(50_000), b"\0" * 9_000])
def test_other_files_are_no_videos_whatever_their_name(data, write, plan_of):
    assert "not a readable video" in complaint(write("text.mp4", data), plan_of)


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mp3", "libmp3lame"), ("a.wav", "pcm_s16le")])
def test_audio_alone_says_what_was_found(name, codec, tmp_path, plan_of):
    with av.open(str(tmp_path / name), "w") as target:
        stream = target.add_stream(codec, rate=48_000)
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48_000
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=48_000, frame_size=1152)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            target.mux(stream.encode(part))
    found = {"libmp3lame": "mp3"}.get(codec, codec)
    assert f"no video stream (found: {found} audio)" in complaint(tmp_path / name, plan_of)


def test_an_unknown_codec_says_so(make_video, write, plan_of):
    data = make_video().read_bytes().replace(b"avc1", b"zzz1")
    assert "no decoder for its video codec" in complaint(write("unknown.mp4", data), plan_of)


@pytest.mark.parametrize("name", ["zero.mp4", "zero.mkv", "zero.avi"])
def test_zero_frames_are_no_video(name, tmp_path, plan_of):
    with av.open(str(tmp_path / name), "w") as target:
        stream = target.add_stream("mpeg4", rate=30)
        stream.width = stream.height = 64
        target.start_encoding()
    complaint(tmp_path / name, plan_of)


def test_a_recording_cut_off_before_its_index_says_so(make_video, write, plan_of):
    data = make_video(movflags="write_colr").read_bytes()
    assert "its index is missing" in complaint(write("cut.mp4", data[: len(data) // 2]), plan_of)


def picture(kind):
    frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
    codec = av.CodecContext.create({"png": "png", "jpg": "mjpeg", "bmp": "bmp"}[kind], "w")
    codec.width = codec.height = 64
    codec.pix_fmt = {"png": "rgb24", "jpg": "yuvj420p", "bmp": "bgr24"}[kind]
    codec.time_base = Fraction(1, 25)
    return b"".join(bytes(p) for p in (*codec.encode(frame.reformat(format=codec.pix_fmt)), *codec.encode(None)))


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp"])
def test_a_picture_is_no_video(kind, write, plan_of):
    assert "pictures" in complaint(write(f"picture.{kind}", picture(kind)), plan_of)


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


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.sdp", "list.mpd"])
def test_a_list_of_other_files_is_refused(name, make_video, write, plan_of):
    complaint(write(name, references(make_video("other.ts"))[name].encode()), plan_of)


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
