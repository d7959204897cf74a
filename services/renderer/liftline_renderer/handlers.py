"""The renderer's stages as tasks of a job: artifacts in, stage, artifacts out."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline import plan as plan_file
from liftline import scene as scene_file
from liftline.files.output_tree import OutputTree
from liftline.jobs.manifest import plain
from liftline.jobs.naming import Stage
from liftline.pipeline.handler import Fingerprint, LoadedService, Product, StageHandler, StageOutcome, Work
from liftline.pipeline.segment_files import segment_files
from liftline.ports import StopToken
from liftline.processors import processors
from liftline.progress import SignOfLife
from liftline.settings.job import JobSettings, of_job
from liftline.settings.machine import Settings
from liftline.v1.events_pb2 import Task
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits
from liftline_renderer._recent_poses import RecentPoses
from liftline_renderer.encoding import frame_index as frame_index_file
from liftline_renderer.encoding.mux import mux
from liftline_renderer.stage import RenderSettings, render_segment

STAGES = (Stage.MUX, Stage.RENDER)
"""Those first that bring a job nearer to its end."""
_PROCESSORS_EACH = 2
"""A segment is decoded, drawn and encoded at once; that keeps about so many busy."""


def renderer_service(machine: Settings | None = None) -> LoadedService:
    """All stages, with what a video may cost on this machine; the renderer has no model."""
    limits = VideoLimits(machine.max_pixels, max_memory_mb=machine.max_memory_mb) if machine else DEFAULT_LIMITS
    return LoadedService(
        handlers={Stage.RENDER: RenderHandler(limits), Stage.MUX: MuxHandler(limits)},
        at_once=max(1, processors() // _PROCESSORS_EACH),
    )


class RenderHandler(StageHandler):
    """Draw the poses of one segment over its frames and encode it."""

    def __init__(self, limits: VideoLimits = DEFAULT_LIMITS) -> None:
        """A handler with an empty cache of poses."""
        self._recent_poses, self._limits = RecentPoses(), limits

    def fingerprint(self, task: Task) -> Fingerprint:
        """The settings of drawing."""
        return (of_job(RenderSettings, JobSettings.from_proto(task.settings)),)

    def __call__(self, work: Work) -> StageOutcome:
        """The task's segment, drawn and encoded. Raises InvalidVideoError, OutputError, Cancelled."""
        settings = of_job(RenderSettings, JobSettings.from_proto(work.task.settings))
        stop = SignOfLife(work.stop, work.progress)
        plan = plan_file.load(work.input_file("plan"))
        poses, scene = self._recent_poses.of(work), scene_file.load(work.input_file("scene"))
        segment = plan.segments[work.task.id.number]
        drawn_path, index_path = work.folder / "segment.mp4", work.folder / "frame_index.npy"
        drawn = render_segment(
            work.video(plan.blocks), plan, segment, poses, scene, drawn_path,
            settings=settings, stop=stop, progress=work.progress,
            limits=self._limits,
        )  # fmt: skip
        frame_index_file.save(index_path, drawn)
        return StageOutcome(
            products=[Product("segment", drawn_path), Product("frame_index", index_path)],
            frames_done=len(segment),
            settings={"render": plain(settings)},
        )


class MuxHandler(StageHandler):
    """Join all drawn segments with the video's sound."""

    def __init__(self, limits: VideoLimits = DEFAULT_LIMITS) -> None:
        """With what a video may cost."""
        self._limits = limits

    def fingerprint(self, task: Task) -> Fingerprint:  # noqa: ARG002 - there is nothing to choose
        """Empty: the result depends on the segments and the video alone."""
        return ()

    def __call__(self, work: Work) -> StageOutcome:
        """The rendered video with its sound. Raises InvalidVideoError, InvalidArtifactError, OutputError, Cancelled."""
        stop, tree = SignOfLife(work.stop, work.progress), OutputTree(work.task.video_name)
        plan = plan_file.load(work.input_file("plan"))
        drawn = _frame_indexes(work, stop)
        kept = [(result, index) for result, index in zip(work.segment_results, drawn, strict=True) if len(index)]
        output = work.folder / tree.rendered
        with segment_files(work, [result for result, _ in kept], "segment") as files:
            segments = [_StoredSegment(index, files) for _, index in kept]
            mux(segments, plan=plan, source=work.video(plan.blocks), output=output, stop=stop, limits=self._limits)
        work.progress.advance(plan.frame_count)
        return StageOutcome(
            products=[Product("rendered", output, tree.rendered)],
            frames_done=plan.frame_count,
            warnings=frame_index_file.warnings(plan, drawn),
        )


@dataclass(frozen=True)
class _StoredSegment:
    """A drawn segment whose file is fetched when its turn has come."""

    frame_index: NDArray[np.int64]
    files: Generator[Path]

    @cached_property
    def path(self) -> Path:
        """Its file; that of the segment before is gone from then on."""
        return next(self.files)


def _frame_indexes(work: Work, stop: StopToken) -> list[NDArray[np.int64]]:
    indexes = []
    with segment_files(work, work.segment_results, "frame_index") as files:
        for path in files:
            stop.raise_if_stopped()
            indexes.append(frame_index_file.load(path))
    return indexes
