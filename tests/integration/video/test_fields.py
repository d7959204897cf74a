"""Which packets of H.264 are second fields."""

from __future__ import annotations

import av
import numpy as np
import pytest

from liftline.video._fields import SecondFields
from tests.integration.video.factory import numbered
from tests.integration.video.field_coded import field_coded
from tests.integration.video.odd_videos import PLAIN, stored_as_fields


def answers(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        fields = SecondFields(stream.codec_context.extradata)
        return [fields.is_second(bytes(packet)) for packet in container.demux(stream) if packet.size]


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.mp4", "clip.h264"])
def test_every_other_field_completes_a_frame(name, make_video):
    assert answers(stored_as_fields(name, packets_per_frame=2)(make_video)) == [False, True] * 30


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_packet_with_both_fields_is_a_frame(name, make_video):
    assert answers(stored_as_fields(name, packets_per_frame=1)(make_video)) == [False] * 30


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv422p10le"])
@pytest.mark.parametrize("matrices", ["flat", "jvt"])
@pytest.mark.parametrize("flags", ["+ildct", "-ildct"])
def test_frames_that_may_mix_fields_inside_are_frames(pix_fmt, matrices, flags, make_video):
    options = PLAIN | {"flags": flags, "bf": "2", "x264-params": f"cqm={matrices}"}
    assert answers(make_video(pix_fmt=pix_fmt, options=options)) == [False] * 30


def test_a_field_whose_partner_is_missing_takes_no_other(make_video):
    frames = field_coded(numbered(128, 96), 4)
    fields = SecondFields(None)
    stored = [frames[0][0], frames[1][0], frames[1][1], frames[2][1], frames[3][0], frames[3][1]]
    assert [fields.is_second(data) for data in stored] == [False, False, True, False, False, True]


def test_damaged_packets_count_as_frames():
    random = np.random.default_rng(0)
    top, bottom = field_coded(numbered(128, 96), 1)[0]
    for _ in range(2000):
        data = bytearray(top[:80])
        data[int(random.integers(0, 80))] = int(random.integers(0, 256))
        fields = SecondFields(bytes(data) if random.random() < 0.5 else random.bytes(40))
        assert fields.is_second(bytes(data[: int(random.integers(0, 80))])) is False
        assert fields.is_second(random.bytes(int(random.integers(0, 60)))) in (True, False)
    assert SecondFields(b"\x01").is_second(bottom) is False
