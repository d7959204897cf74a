from __future__ import annotations

import pytest

from liftline.errors import UsageError
from liftline_renderer.layout import MAX_AREA_PX, MAX_SIDE_PX, RenderSettings, panes


def _size(width, height, layout="side-by-side", **options):
    out = panes(width, height, RenderSettings(layout, **options))
    return out.width, out.height


def test_a_landscape_video_gets_a_square_3d_view_beside_it():
    assert _size(1280, 720) == (1280 + 720, 720)


def test_a_portrait_video_gets_a_3d_view_of_its_own_size():
    assert _size(720, 1280) == (1440, 1280)


@pytest.mark.parametrize("layout", ["overlay", "3d"])
def test_single_panes_have_the_videos_size(layout):
    assert _size(1280, 720, layout) == (1280, 720)


def test_odd_sizes_become_the_next_even_ones():
    assert _size(641, 481, "overlay") == (642, 482)
    assert _size(641, 481) == (642 + 482, 482)


@pytest.mark.parametrize(
    "size", [(64, 48), (3, 5), (1, 1), (641, 481), (3840, 2160), (2160, 3840), (7680, 4320), (8000, 20)]
)
@pytest.mark.parametrize("layout", ["overlay", "side-by-side", "3d"])
def test_every_size_is_even_and_plays_in_browsers(size, layout):
    width, height = _size(*size, layout)
    assert width % 2 == height % 2 == 0
    assert min(width, height) >= 2
    assert max(width, height) <= MAX_SIDE_PX
    assert width * height <= MAX_AREA_PX


def test_proportions_stay_when_a_large_video_is_scaled_down():
    out = panes(3840, 2160, RenderSettings("side-by-side"))
    assert out.width <= MAX_SIDE_PX
    assert out.overlay.width / out.overlay.height == pytest.approx(16 / 9, rel=0.005)


def test_a_height_limit_scales_the_whole_picture():
    assert _size(1280, 720, max_height_px=360) == (640 + 360, 360)
    assert _size(1280, 720, max_height_px=2000) == (2000, 720)


@pytest.mark.parametrize("settings", [{"layout": "sideways"}, {"max_height_px": 2}])
def test_unusable_settings_are_refused(settings):
    with pytest.raises(UsageError):
        RenderSettings(**settings)
