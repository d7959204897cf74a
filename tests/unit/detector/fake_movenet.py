"""Fakes of MoveNet's two models, which see the same stick figures as those of BlazePose in `fake_models`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import BLAZEPOSE33_TO_COCO17
from liftline_detector.blazepose.geometry import Region, View
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.blazepose.session import BlazePoseSession
from liftline_detector.movenet._session import MoveNetSession
from liftline_detector.movenet.multipose import Candidate, PeopleFinder
from liftline_detector.movenet.options import MoveNetOptions
from liftline_detector.movenet.thunder import KeypointReader, Reading
from tests.unit.detector.fake_models import FakeLandmarks, FakePersonDetector, Figure, Scene, body

_COCO = np.array(BLAZEPOSE33_TO_COCO17)


def coco(figure: Figure) -> NDArray[np.float32]:
    """(17,2) keypoints of a standing figure."""
    return body(figure)[_COCO]


@dataclass
class FakeReader(KeypointReader):
    """Reads the figure nearest to the square's centre that isn't hidden, with one score for all keypoints."""

    scene: Scene
    score: float = 0.8
    squares: list[Region] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)

    def read(self, rgb: NDArray[np.uint8], square: Region, *, hidden: Sequence[NDArray[np.floating]] = ()) -> Reading:
        self.squares.append(square)
        self.hidden.append(len(hidden))
        covered = [points.mean(axis=0) for points in hidden]
        figures = [f for f in self.scene(int(rgb[0, 0, 0])) if not any(_is_at(f, place) for place in covered)]
        nearest = min(figures, key=lambda f: np.hypot(f.x - square.x_px, f.y - square.y_px), default=None)
        if nearest is None or np.hypot(nearest.x - square.x_px, nearest.y - square.y_px) > square.size_px / 2:
            return Reading(coco(Figure(square.x_px, square.y_px, 60)), np.full(17, 0.05, np.float32), square)
        return Reading(coco(nearest), np.full(17, self.score if nearest.real else 0.1, np.float32), square)


def _is_at(figure: Figure, place: NDArray[np.floating]) -> bool:
    return bool(np.linalg.norm(coco(figure).mean(axis=0) - place) < 5)


@dataclass
class FakeFinder(PeopleFinder):
    """Finds everyone whose middle is in the view."""

    scene: Scene
    views: list[View] = field(default_factory=list)

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        self.views.append(view)
        figures = self.scene(int(rgb[0, 0, 0]))
        return [Candidate(0.5, coco(f)) for f in figures if _is_in(f, view)]


def _is_in(figure: Figure, view: View) -> bool:
    x, y = figure.x - view.left_px, figure.y - view.top_px
    return 0 <= x <= view.size_px and 0 <= y <= view.size_px


def movenet(
    scene: Scene, *, blazepose_sees: Scene | None = None, score: float = 0.8, options: MoveNetOptions | None = None
) -> tuple[MoveNetSession, FakeReader, FakeFinder]:
    """A session that looks at a scene, of which BlazePose may see another part; its reader and finder."""
    reader, finder, seen = FakeReader(scene, score), FakeFinder(scene), blazepose_sees or scene
    landmarks = FakeLandmarks(seen)
    blazepose = BlazePoseSession(FakePersonDetector(seen), landmarks, BlazePoseOptions())
    return MoveNetSession(blazepose, landmarks, reader, finder, options or MoveNetOptions()), reader, finder
