"""The lifter's stages as tasks of a job: artifacts in, stage, artifacts out."""

from __future__ import annotations

from collections.abc import Sequence

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline import tracks as tracks_file
from liftline.detections import Detections
from liftline.exports import check_installed, export
from liftline.exports.keypoint_files import write_keypoint_lines
from liftline.exports.options import ExportOptions
from liftline.files.output_tree import OutputTree
from liftline.jobs.manifest import plain
from liftline.jobs.naming import Stage
from liftline.pipeline.handler import Fingerprint, LoadedService, Product, StageHandler, StageOutcome, Work
from liftline.pipeline.segment_files import segment_files
from liftline.ports import Progress, StopToken
from liftline.progress import SignOfLife
from liftline.settings.job import JobSettings, of_job
from liftline.settings.machine import Settings
from liftline.tracks import Tracks
from liftline.v1.events_pb2 import Task
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, checkpoint_model
from liftline_lifter.settings import LifterSettings
from liftline_lifter.stage import LiftResult, LiftSettings, TrackSettings, lift_tracks, track_people
from liftline_lifter.videopose3d.dataset import write_custom_dataset
from liftline_lifter.videopose3d.detectron import write_detectron_file

STAGES = (Stage.LIFT, Stage.TRACK)
"""Those first that bring a job nearer to its end."""
AT_ONCE = 2
"""Tracking works on one processor, lifting on all: two at once, and a long video doesn't hold up a short one."""
MOST_EXPORTS = 200
"""A job's record in NATS has room for the names of so many, and of hardly more."""


def lifter_service(
    checkpoint: LifterCheckpoint, settings: LifterSettings, machine: Settings, *, device: str,
    most_exports: int | None = MOST_EXPORTS,
) -> LoadedService:  # fmt: skip
    """All stages with these weights, which the settings asked for; `most_exports`: None where a record may be large."""
    lift = LiftHandler(checkpoint, settings, device=device, most_exports=most_exports)
    return LoadedService(
        handlers={Stage.TRACK: TrackHandler(machine), Stage.LIFT: lift},
        models=[checkpoint_model(checkpoint, settings.checkpoint)],
        device=device,
        at_once=AT_ONCE,
    )


class TrackHandler(StageHandler):
    """Decide who is who over the whole video, from all segments' detections."""

    def __init__(self, machine: Settings) -> None:
        self._machine = machine

    def fingerprint(self, task: Task) -> Fingerprint:
        """The schema of tracks and the settings of tracking."""
        return tracks_file.SCHEMA_VERSION, self._chosen(task)

    def __call__(self, work: Work) -> StageOutcome:
        """Tracks of the whole video, keypoint files. Raises InvalidArtifactError, LimitExceededError, Cancelled."""
        task, stop = work.task, SignOfLife(work.stop, work.progress)
        settings = self._chosen(task)
        plan = plan_file.load(work.input_file("plan"))
        found = _detections(work, stop)
        result = track_people(
            found, plan, video=task.video_name, settings=settings, stop=stop, progress=work.progress
        )  # fmt: skip
        return StageOutcome(
            products=_track_products(work, result.tracks, found, stop),
            frames_done=plan.frame_count,
            warnings=result.warnings,
            settings={"track": plain(settings)},
        )

    def _chosen(self, task: Task) -> TrackSettings:
        return of_job(TrackSettings, JobSettings.from_proto(task.settings), max_tracks=self._machine.max_tracks)


class LiftHandler(StageHandler):
    """Lift tracks to 3D, describe the room, write the formats that the job asks for."""

    def __init__(
        self, checkpoint: LifterCheckpoint, settings: LifterSettings, *, device: str,
        most_exports: int | None = MOST_EXPORTS,
    ) -> None:  # fmt: skip
        """With weights that several threads use, the torch device they are on, and how many exports are kept."""
        self._checkpoint, self._device, self._most_exports = checkpoint, device, most_exports
        self._settings = {"checkpoint": plain(settings.checkpoint), "causal": settings.causal}
        self._model = checkpoint_model(checkpoint, settings.checkpoint)

    def fingerprint(self, task: Task) -> Fingerprint:
        """The network, how it lifts, and the formats asked for."""
        network, job = self._checkpoint, JobSettings.from_proto(task.settings)
        schemas, settings = (poses_file.SCHEMA_VERSION, scene_file.SCHEMA_VERSION), of_job(LiftSettings, job)
        exports = job.export, of_job(ExportOptions, job), self._most_exports
        return schemas, network.sha256, network.causal, settings, self._device, exports

    def __call__(self, work: Work) -> StageOutcome:
        """Poses, scene and exports of the job's tracks. Raises UsageError, InvalidArtifactError, Cancelled."""
        job, stop = JobSettings.from_proto(work.task.settings), SignOfLife(work.stop, work.progress)
        check_installed(job.export)
        settings = of_job(LiftSettings, job, device=self._device)
        tracks = tracks_file.load(work.input_file("tracks"))
        progress = _InFrames(work.progress, rows=len(tracks.frame_index), frames=len(tracks.frame_times_s))
        result = lift_tracks(tracks, self._checkpoint, settings=settings, stop=stop, progress=progress)
        exported = _exports(work, result, job, stop)
        most = len(exported) if self._most_exports is None else self._most_exports
        kept, left_out = exported[:most], exported[most:]
        return StageOutcome(
            products=[*_poses_and_scene(work, result), *kept],
            frames_done=len(tracks.frame_times_s),
            models=[self._model],
            warnings=_left_out(work.task.video_name, left_out),
            settings={**self._settings, "lift": plain(settings), "export": list(job.export)},
        )


class _InFrames(Progress):
    """Counts rows of tracks, of which a frame has as many as people, and tells frames of the video."""

    def __init__(self, progress: Progress, *, rows: int, frames: int) -> None:
        self._progress, self._rows, self._frames = progress, rows, frames
        self._rows_done = 0

    def advance(self, frames: int = 1) -> None:
        """Count rows; the frames they amount to are passed on."""
        before = self._rows_done * self._frames // self._rows if self._rows else 0
        self._rows_done += frames
        after = self._rows_done * self._frames // self._rows if self._rows else 0
        self._progress.advance(after - before)


def _detections(work: Work, stop: StopToken) -> Detections:
    parts = []
    with segment_files(work, work.segment_results, "detections") as files:
        for path in files:
            stop.raise_if_stopped()
            parts.append(detections_file.load(path))
    return Detections.concatenate(parts)


def _track_products(work: Work, tracks: Tracks, found: Detections, stop: StopToken) -> Sequence[Product]:
    tree = OutputTree(work.task.video_name)
    paths = {
        "tracks": tree.tracks,
        "custom_dataset": tree.custom_dataset,
        "detectron_file": tree.detectron_file,
        "keypoint_lines": tree.keypoint_lines,
    }
    products = {role: Product(role, work.folder / place, place) for role, place in paths.items()}
    tracks_file.save(products["tracks"].path, tracks)
    write_custom_dataset(products["custom_dataset"].path, tracks)
    write_detectron_file(
        products["detectron_file"].path, found, width_px=tracks.width_px, height_px=tracks.height_px
    )  # fmt: skip
    write_keypoint_lines(products["keypoint_lines"].path, tracks, stop=stop)
    return list(products.values())


def _poses_and_scene(work: Work, result: LiftResult) -> Sequence[Product]:
    tree = OutputTree(work.task.video_name)
    poses, scene = work.folder / tree.poses, work.folder / tree.scene
    poses_file.save(poses, result.poses)
    scene_file.save(scene, result.scene)
    return [Product("poses", poses, tree.poses), Product("scene", scene, tree.scene)]


def _exports(work: Work, result: LiftResult, job: JobSettings, stop: StopToken) -> Sequence[Product]:
    """Of each format, the one with the fewest files first: some have one per person, the most prominent first."""
    base, products = work.folder / OutputTree(work.task.video_name).poses, list[list[Product]]()
    for name in job.export:
        stop.raise_if_stopped()
        paths = export(result.poses, result.scene, base, [name], of_job(ExportOptions, job))
        products.append([Product(f"export_{name}", path, path.relative_to(work.folder).as_posix()) for path in paths])
    return [product for of_format in sorted(products, key=len) for product in of_format]


def _left_out(video: str, products: Sequence[Product]) -> Sequence[str]:
    if not products:
        return ()
    return (
        f"{video}: {len(products)} files of further people are left out ({products[0].path.name}, ...): a job keeps "
        f"{MOST_EXPORTS} files of formats with one per person; the other formats hold everyone.",
    )
