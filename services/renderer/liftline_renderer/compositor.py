"""Puts a rendered picture together: the video with one of the overlays, the 3D view, or both side by side."""

from __future__ import annotations

import cv2
import numpy as np

from liftline.camera import Camera
from liftline.frames import Frame
from liftline.poses import Poses
from liftline.scene import Scene
from liftline_renderer.drawing.frame_poses import PosesByFrame
from liftline_renderer.drawing.keypoint_overlay import KeypointOverlay
from liftline_renderer.drawing.overlay import Overlay
from liftline_renderer.drawing.strokes import Image
from liftline_renderer.layout import Pane, RenderSettings, panes
from liftline_renderer.view3d.view import View3D


class Compositor:
    """Draws the pictures of one video. A picture is a pure function of the frame, the poses, the scene and the time."""

    def __init__(self, width_px: int, height_px: int, poses: Poses, scene: Scene, settings: RenderSettings) -> None:
        self.panes = panes(width_px, height_px, settings)
        self._people = PosesByFrame(poses)
        self._overlay = self._seen = self._view = None
        if self.panes.overlay:
            scale = _scale(self.panes.overlay, width_px, height_px) * width_px / poses.width_px
            if settings.overlay == "keypoints":
                self._seen = KeypointOverlay(poses.keypoint_skeleton, scale)
            else:
                self._overlay = Overlay(Camera(poses.width_px, poses.height_px, poses.focal_px), scale, poses.skeleton)
        if self.panes.view:
            view = self.panes.view
            self._view = View3D(poses, scene, width_px=view.width, height_px=view.height)

    def draw(self, frame: Frame) -> Image:
        """(H,W,3) the picture for a frame, a new array."""
        picture = np.empty((self.panes.height, self.panes.width, 3), np.uint8)
        people = self._people.at(frame.index)
        if pane := self.panes.overlay:
            part = picture[:, pane.left : pane.left + pane.width]
            _place(frame.rgb, part)
            if self._overlay:
                self._overlay.draw(part, people)
            if self._seen:
                self._seen.draw(part, self._people.seen_at(frame.index))
        if self._view and (pane := self.panes.view):
            self._view.draw(picture[:, pane.left : pane.left + pane.width], people, frame.time_s)
        return picture


def _scale(pane: Pane, width_px: int, height_px: int) -> float:
    """1 where the video fits but for a row or column added to make its size even; else the scale it is resized by."""
    return 1.0 if _fits(pane.width, pane.height, width_px, height_px) else pane.height / height_px


def _fits(pane_width: int, pane_height: int, width_px: int, height_px: int) -> bool:
    return pane_width == width_px + width_px % 2 and pane_height == height_px + height_px % 2


def _place(rgb: Image, part: Image) -> None:
    """Fill a part of the picture with a frame: pixel by pixel with its last row or column repeated, or resized."""
    height, width = rgb.shape[:2]
    if not _fits(part.shape[1], part.shape[0], width, height):
        part[:] = cv2.resize(rgb, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_AREA)
        return
    part[:height, :width] = rgb
    part[height:, :width] = rgb[-1:]
    part[:, width:] = part[:, width - 1 : width]
