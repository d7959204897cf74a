"""A cache of the poses of videos whose segments are being drawn: loaded once, not for every segment."""

from __future__ import annotations

import threading
from collections import OrderedDict

from liftline import poses as poses_file
from liftline.jobs.naming import artifact
from liftline.pipeline.handler import Work
from liftline.poses import Poses

KEPT = 2
"""Videos whose poses are kept: those of ten hours hold hundreds of megabytes."""


class RecentPoses:
    """An LRU cache of poses by the SHA-256 of their file; safe to use from several threads."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self._poses: OrderedDict[str, Poses] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, work: Work) -> Poses:
        """The poses of a task, from the cache or its input file. Raises UnavailableError, InvalidArtifactError."""
        path = work.input_file("poses")
        found = artifact(work.task.inputs, "poses")
        sha256 = found.ref.sha256 if found is not None else ""
        with self._lock:
            poses = self._poses.pop(sha256, None)
            if poses is None:
                poses = poses_file.load(path)
            if sha256:
                self._poses[sha256] = poses
            while len(self._poses) > self._kept:
                self._poses.popitem(last=False)
        return poses
