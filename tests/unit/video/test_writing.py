"""Errors of the disk come out of libav as OSError, whatever class it gives them."""

from __future__ import annotations

import errno
from pathlib import Path

import av
import numpy as np
import pytest

from liftline_renderer.encoding.writing import disk_errors, even_size


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_is_an_os_error():
    def fill():
        with disk_errors(), av.open("/dev/full", "w", format="nut") as target:
            stream = target.add_stream("rawvideo", rate=30)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "rgb24"
            for number in range(20):
                frame = av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), format="rgb24")
                frame.pts = number
                target.mux(stream.encode(frame))

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.errno == errno.ENOSPC


def test_a_missing_folder_is_an_os_error(tmp_path):
    def begin():
        with disk_errors(), av.open(str(tmp_path / "missing" / "out.avi"), "w") as target:
            target.add_stream("mpeg4", rate=30)
            target.start_encoding()

    with pytest.raises(OSError, match="directory"):
        begin()


def test_other_errors_pass_unchanged():
    with pytest.raises(av.error.InvalidDataError), disk_errors():
        raise av.error.InvalidDataError(1094995529, "damaged")


def test_even_sizes_stay():
    assert even_size(640, 480) == (640, 480)
    assert even_size(641, 479) == (642, 480)
