"""The embedded default detector: BlazePose's two models on LiteRT, on the CPU."""

from __future__ import annotations

import hashlib
from functools import cached_property

from liftline.errors import UsageError
from liftline.models import catalogue as models
from liftline.ports import Detector, ModelInfo
from liftline_detector.blazepose.landmarks import LandmarkModel
from liftline_detector.blazepose.model_files import NAME, POSE_DETECTION, POSE_LANDMARK
from liftline_detector.blazepose.options import BlazePoseOptions
from liftline_detector.blazepose.person_detector import PersonModel
from liftline_detector.blazepose.session import BlazePoseSession


class BlazePoseDetector(Detector):
    """Model bytes, checked once; every session loads its own interpreters, so sessions may run in parallel threads."""

    def __init__(
        self, person_model: bytes, landmark_model: bytes, *, threads: int = 1, options: BlazePoseOptions | None = None
    ) -> None:
        """Keep the bytes of the two model files; `threads` are those of one model call."""
        if threads < 1:
            raise UsageError(f"A detector needs at least one thread, not {threads}.")
        self._person_model, self._landmark_model = person_model, landmark_model
        self._threads, self._options = threads, options or BlazePoseOptions()

    @classmethod
    def load(cls, *, threads: int = 1, options: BlazePoseOptions | None = None) -> BlazePoseDetector:
        """From the model folder. Raises ModelError when a file is missing or altered."""
        person, landmark = models.load(POSE_DETECTION), models.load(POSE_LANDMARK)
        return cls(person, landmark, threads=threads, options=options)

    @cached_property
    def model(self) -> ModelInfo:
        """BlazePose; the hash covers both files, detector first."""
        digest = hashlib.sha256(self._person_model + self._landmark_model).hexdigest()
        return ModelInfo(NAME, digest, POSE_LANDMARK.licence, POSE_LANDMARK.origin)

    @property
    def batch_size(self) -> int:
        """One: each frame needs the one before."""
        return 1

    @property
    def max_sessions(self) -> None:
        """As many as there are processors: a session keeps one of them busy."""
        return None

    def start(self) -> BlazePoseSession:
        """A session with interpreters of its own."""
        return BlazePoseSession(
            PersonModel(self._person_model, threads=self._threads),
            LandmarkModel(self._landmark_model, threads=self._threads),
            self._options,
        )
