"""A world of stick figures, and fakes of BlazePose's two models that see it: no model file, no pixels.

A frame's picture holds only the frame's number; the fakes look up who is where in that frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from liftline.frames import Frame
from liftline.skeletons import BLAZEPOSE33
from liftline_detector.blazepose.geometry import Region, View
from liftline_detector.blazepose.landmarks import LANDMARKS, LandmarkFinder, Landmarks
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.blazepose.person_detector import Candidate, PersonFinder
from liftline_detector.blazepose.session import BlazePoseSession

WIDTH, HEIGHT, RATE = 640, 360, 30


@dataclass(frozen=True)
class Figure:
    """Somebody standing at a place, `height` pixels tall; a look-alike is seen in one exact region only."""

    x: float
    y: float
    height: float = 150.0
    real: bool = True

    @property
    def region(self) -> Region:
        return Region(self.x, self.y, self.height * 1.25, 0.0)


def body(figure: Figure) -> NDArray[np.float32]:
    """(33, 2) landmarks of a standing figure."""
    shape = {"nose": (0, -0.42), "shoulder": (0.12, -0.3), "elbow": (0.16, -0.15), "wrist": (0.16, 0.0)}
    shape |= {"hip": (0.08, 0.0), "knee": (0.08, 0.25), "ankle": (0.08, 0.45)}
    points = np.tile(np.array(shape["nose"]), (LANDMARKS, 1))
    for part, (x, y) in shape.items():
        for side, sign in (("left", 1), ("right", -1)):
            if (name := f"{side}_{part}") in BLAZEPOSE33.index:
                points[BLAZEPOSE33.index[name]] = sign * x, y
    return np.asarray(points * figure.height + (figure.x, figure.y), np.float32)


Scene = Callable[[int], Sequence[Figure]]


@dataclass
class FakePersonDetector(PersonFinder):
    """Sees figures that are neither too small nor too large for the view."""

    scene: Scene
    views: list[tuple[int, View]] = field(default_factory=list)

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        number = int(rgb[0, 0, 0])
        self.views.append((number, view))
        return [Candidate(0.8, f.region) for f in self.scene(number) if self._sees(view, f)]

    @staticmethod
    def _sees(view: View, figure: Figure) -> bool:
        x, y = figure.x - view.left_px, figure.y - view.top_px
        return 0 <= x <= view.size_px and 0 <= y <= view.size_px and 0.2 < figure.height / view.size_px < 1


@dataclass
class FakeLandmarks(LandmarkFinder):
    """Sees the figure nearest to the region's centre that isn't hidden."""

    scene: Scene
    calls: int = 0

    def find(
        self, rgb: NDArray[np.uint8], region: Region, *, hidden: Sequence[Landmarks] = (), mirrored: bool = False
    ) -> Landmarks:
        self.calls += 1
        taken = [(h.next_region.x_px, h.next_region.y_px) for h in hidden]
        seen = [f for f in self.scene(int(rgb[0, 0, 0])) if (f.x, f.y) not in taken]
        nearest = min(seen, key=lambda f: np.hypot(f.x - region.x_px, f.y - region.y_px), default=None)
        if nearest is None or not self._sees(region, nearest):
            return landmarks(Figure(region.x_px, region.y_px, region.size_px / 1.25), flag=0.0)
        return landmarks(nearest, flag=1.0)

    @staticmethod
    def _sees(region: Region, figure: Figure) -> bool:
        if not figure.real and (abs(region.angle_rad) > 0.2 or region.size_px > 1.2 * figure.region.size_px):
            return False
        return region.is_like(figure.region, distance=0.4, ratio=2)


def landmarks(figure: Figure, *, flag: float = 1.0) -> Landmarks:
    """What the landmark model would say of a figure."""
    ones = np.ones(LANDMARKS, np.float32)
    return Landmarks(body(figure), ones, ones, flag, figure.region)


def frame(number: int) -> Frame:
    return Frame(number, number / RATE, np.full((HEIGHT, WIDTH, 3), number, np.uint8))


def session(scene: Scene, **options: float) -> tuple[BlazePoseSession, FakePersonDetector, FakeLandmarks]:
    """A session that looks at a scene, and its two models."""
    detector, poses = FakePersonDetector(scene), FakeLandmarks(scene)
    return BlazePoseSession(detector, poses, BlazePoseOptions(**options)), detector, poses  # type: ignore[arg-type]


def centres(scene: Scene, frames: int, **options: float) -> list[list[tuple[int, int]]]:
    """Middle of the hips of everyone reported in each frame, from left to right."""
    people = session(scene, **options)[0].detect([frame(i) for i in range(frames)])
    return [sorted((round(x), round(y)) for x, y in p.keypoints_px[:, [11, 12]].mean(axis=1)) for p in people]
