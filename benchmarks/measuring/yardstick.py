"""The yardstick of rendering speed: the same poses over the same video, drawn with matplotlib as an animation would.

As `FuncAnimation` users do (VideoPose3D's own renderer among them): artists are made once, every frame sets their data
and draws the canvas. Decoding, picture size and encoder are those of Liftline's renderer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.plan import Plan
from liftline.ports import VideoOpener
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.skeletons import COCO17, H36M17
from liftline.video.reading import read_frames
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.stage import output_size

DPI = 100
RADIUS_M = 1.7


def frames_per_second(opener: VideoOpener, plan: Plan, poses: Poses, output: Path, *, frames: int) -> float:
    """Draw the first `frames` frames beside a 3D view into `output`; frames per second, decoding to encoding."""
    figure = AnimatedFigure(poses, *output_size(plan.info, "side-by-side"), plan.info.width_px, plan.info.height_px)
    stop = min(frames, plan.frame_count)
    with SegmentWriter(
        output,
        width_px=figure.width_px,
        height_px=figure.height_px,
        time_base=plan.info.time_base,
        rate=plan.info.average_rate,
    ) as writer:
        started = time.perf_counter()
        for frame in read_frames(opener, plan, start=0, stop=stop, stop_token=StopFlag()):
            writer.write(figure.draw(frame.index, frame.rgb), pts=int(plan.pts[frame.index]))
        return stop / (time.perf_counter() - started)


class AnimatedFigure:
    """A matplotlib figure: the video with the keypoints' skeleton on the left, the most prominent person in 3D."""

    def __init__(self, poses: Poses, width_px: int, height_px: int, video_width_px: int, video_height_px: int) -> None:
        """Make all artists once."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width_px, self.height_px = width_px, height_px
        self._poses, rows = poses, poses.rows(0) if len(poses) else slice(0, 0)
        self._row_of_frame = {int(frame): rows.start + n for n, frame in enumerate(poses.frame_index[rows])}
        figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI)
        self._canvas: Any = FigureCanvasAgg(figure)
        share = video_width_px / (video_width_px + min(video_width_px, video_height_px))
        flat: Any = figure.add_axes((0, 0, share, 1))
        flat.set_axis_off()
        self._image = flat.imshow(np.zeros((video_height_px, video_width_px, 3), np.uint8), aspect="auto")
        self._flat_bones = [flat.plot([], [], color="tab:orange", linewidth=3)[0] for _ in COCO17.edges]
        solid: Any = figure.add_axes((share, 0, 1 - share, 1), projection="3d")
        solid.view_init(elev=15, azim=70)
        solid.set(xlim3d=(-RADIUS_M / 2, RADIUS_M / 2), ylim3d=(-RADIUS_M / 2, RADIUS_M / 2), zlim3d=(0, RADIUS_M))
        colours = ["black" if joint in H36M17.right else "tab:red" for _, joint in H36M17.edges]
        self._solid_bones = [solid.plot([], [], [], color=colour, linewidth=3)[0] for colour in colours]

    def draw(self, frame: int, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H,W,3) picture of this frame."""
        self._image.set_data(rgb)
        row = self._row_of_frame.get(frame)
        if row is not None:
            keypoints = self._poses.keypoints_px[row]
            for line, edge in zip(self._flat_bones, COCO17.edges, strict=True):
                line.set_data(*keypoints[list(edge)].T)
            upright = self._poses.joints_m[row][:, [0, 2, 1]] * [1, 1, -1]
            upright[:, 2] -= upright[:, 2].min()
            for line, edge in zip(self._solid_bones, H36M17.edges, strict=True):
                line.set_data_3d(*upright[list(edge)].T)
        self._canvas.draw()
        return np.asarray(self._canvas.buffer_rgba(), np.uint8)[..., :3].copy()
