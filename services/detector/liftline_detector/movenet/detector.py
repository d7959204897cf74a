"""The default detector on a CPU: MoveNet's two models and BlazePose's two, on LiteRT."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from liftline.errors import UsageError
from liftline.models import catalogue as models
from liftline.ports import Detector, ModelInfo
from liftline_detector.blazepose.landmarks import LandmarkModel
from liftline_detector.blazepose.model_files import POSE_DETECTION, POSE_LANDMARK
from liftline_detector.blazepose.person_detector import PersonModel
from liftline_detector.blazepose.session import BlazePoseSession
from liftline_detector.movenet._session import MoveNetSession
from liftline_detector.movenet.model_files import MULTIPOSE, NAME, THUNDER
from liftline_detector.movenet.multipose import MultiPoseModel
from liftline_detector.movenet.options import MoveNetOptions
from liftline_detector.movenet.thunder import ThunderModel


@dataclass(frozen=True)
class ModelBytes:
    """The four model files' contents."""

    person: bytes
    landmarks: bytes
    thunder: bytes
    multipose: bytes


class MoveNetDetector(Detector):
    """Model bytes, checked once; every session loads its own interpreters, so sessions may run in parallel threads."""

    def __init__(self, content: ModelBytes, *, threads: int = 1, options: MoveNetOptions | None = None) -> None:
        """Keep the bytes; `threads` are those of one model call."""
        if threads < 1:
            raise UsageError(f"A detector needs at least one thread, not {threads}.")
        self._content, self._threads, self._options = content, threads, options or MoveNetOptions()

    @classmethod
    def load(cls, *, threads: int = 1, options: MoveNetOptions | None = None) -> MoveNetDetector:
        """From the package and the model folder. Raises ModelError when a file is missing or altered."""
        files = (POSE_DETECTION, POSE_LANDMARK, THUNDER, MULTIPOSE)
        return cls(ModelBytes(*map(models.load, files)), threads=threads, options=options)

    @cached_property
    def model(self) -> ModelInfo:
        """MoveNet; the hash covers all four files, BlazePose's first."""
        content = self._content
        digest = hashlib.sha256(content.person + content.landmarks + content.thunder + content.multipose).hexdigest()
        return ModelInfo(NAME, digest, THUNDER.licence, f"{THUNDER.origin}; {POSE_LANDMARK.origin}")

    @property
    def batch_size(self) -> int:
        """One: each frame needs the one before."""
        return 1

    @property
    def max_sessions(self) -> None:
        """As many as there are processors: a session keeps one of them busy."""
        return None

    def start(self) -> MoveNetSession:
        """A session with interpreters of its own."""
        threads, content, options = self._threads, self._content, self._options
        landmarks = LandmarkModel(content.landmarks, threads=threads)
        blazepose = BlazePoseSession(PersonModel(content.person, threads=threads), landmarks, options.blazepose)
        return MoveNetSession(
            blazepose,
            landmarks,
            ThunderModel(content.thunder, threads=threads),
            MultiPoseModel(content.multipose, threads=threads),
            options,
        )
