"""Which matrix and range a decoded picture's YUV values mean, as names and as swscale's constants.

Code points: ITU-T H.273, table 4. HDR transfer curves are not tone-mapped.
"""

from __future__ import annotations

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

_MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    9: "bt2020",
    10: "bt2020",
}
_SWSCALE = {
    "bt709": Colorspace.ITU709,
    "fcc": Colorspace.FCC,
    "bt601": Colorspace.ITU601,
    "smpte240m": Colorspace.SMPTE240M,
    "bt2020": Colorspace.BT2020,
}
_RGB, _UNSPECIFIED_HD = "rgb", "bt709"


def matrix_name(frame: VideoFrame) -> str:
    """The matrix a frame is coded with: its own tag, else BT.709 from HD on and BT.601 below, as players assume."""
    if frame.format.is_rgb or frame.format.has_palette:
        return _RGB
    is_hd = frame.width >= 1280 or frame.height > 576
    return _MATRICES.get(int(frame.colorspace), _UNSPECIFIED_HD if is_hd else "bt601")


def range_name(frame: VideoFrame) -> str:
    """Full for RGB, JPEG-type formats and frames that say so, else limited."""
    full = frame.format.is_rgb or frame.format.has_palette or frame.format.name.startswith("yuvj")
    return "full" if full or int(frame.color_range) == ColorRange.JPEG else "limited"


def swscale_matrix(name: str) -> Colorspace | None:
    """The constant for `VideoReformatter`; None for RGB."""
    return _SWSCALE.get(name)


def swscale_range(name: str) -> ColorRange:
    """The constant for `VideoReformatter`."""
    return ColorRange.JPEG if name == "full" else ColorRange.MPEG
