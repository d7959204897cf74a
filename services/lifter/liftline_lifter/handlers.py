"""The lifter's stages as the worker loop calls them: artifacts in, stage, artifacts out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline import tracks as tracks_file
from liftline.detections import Detections
from liftline.exports import export
from liftline.exports.keypoint_files import write_keypoint_lines
from liftline.files.output_tree import OutputTree
from liftline.jobs.manifest import plain
from liftline.pipeline.handler import Product, StageHandler, StageOutcome, Work
from liftline.pipeline.segment_files import segment_files
from liftline.ports import StopToken
from liftline.progress import SignOfLife
from liftline.settings.job import JobSettings, of_job
from liftline.settings.machine import Settings
from liftline.tracks import Tracks
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, checkpoint_model
from liftline_lifter.settings import LifterSettings
from liftline_lifter.stage import LiftResult, LiftSettings, TrackSettings, lift_tracks, track_people
from liftline_lifter.videopose3d import write_custom_dataset, write_detectron_file

MOST_EXPORTS = 200
"""A job's record has room for the names of so many, and of hardly more."""


class TrackHandler(StageHandler):
    """Decide who is who over the whole video, from all segments' detections."""

    def __init__(self, machine: Settings) -> None:
        """A handler within the limits of this machine."""
        self._machine = machine

    def __call__(self, work: Work) -> StageOutcome:
        """Tracks of the whole video, keypoint files. Raises InvalidArtifactError, LimitExceededError, Cancelled."""
        task, stop = work.task, SignOfLife(work.stop, work.progress)
        job = JobSettings.from_proto(task.settings)
        settings = of_job(TrackSettings, job, max_tracks=self._machine.max_tracks)
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


class LiftHandler(StageHandler):
    """Lift tracks to 3D, describe the room, write the formats that the job asks for."""

    def __init__(self, checkpoint: LifterCheckpoint, settings: LifterSettings, *, device: str) -> None:
        """With weights that several threads use, and the torch device they are on."""
        self._checkpoint, self._device = checkpoint, device
        self._settings = {"checkpoint": plain(settings.checkpoint), "causal": settings.causal}
        self._model = checkpoint_model(checkpoint, settings.checkpoint)

    def __call__(self, work: Work) -> StageOutcome:
        """Poses, scene and exports of the job's tracks. Raises UsageError, InvalidArtifactError, Cancelled."""
        job, stop = JobSettings.from_proto(work.task.settings), SignOfLife(work.stop, work.progress)
        settings = of_job(LiftSettings, job, device=self._device)
        tracks = tracks_file.load(work.input_file("tracks"))
        result = lift_tracks(tracks, self._checkpoint, settings=settings, stop=stop, progress=work.progress)
        exported = _exports(work, result, job.export, stop)
        kept, left_out = exported[:MOST_EXPORTS], exported[MOST_EXPORTS:]
        return StageOutcome(
            products=[*_poses_and_scene(work, result), *kept],
            frames_done=len(tracks.frame_times_s),
            models=[self._model],
            warnings=_left_out(work.task.video_name, left_out),
            settings={**self._settings, "lift": plain(settings), "export": list(job.export)},
        )


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


def _exports(work: Work, result: LiftResult, formats: Sequence[str], stop: StopToken) -> Sequence[Product]:
    """Of each format, the one with the fewest files first: some have one per person, the most prominent first."""
    base, products = work.folder / OutputTree(work.task.video_name).poses, list[list[Product]]()
    for name in formats:
        stop.raise_if_stopped()
        paths = export(result.poses, result.scene, base, [name])
        products.append([Product(f"export_{name}", path, _place(work.folder, path)) for path in paths])
    return [product for of_format in sorted(products, key=len) for product in of_format]


def _left_out(video: str, products: Sequence[Product]) -> Sequence[str]:
    if not products:
        return ()
    return (
        f"{video}: {len(products)} files of further people are left out ({products[0].path.name}, ...): a job keeps "
        f"{MOST_EXPORTS} files of formats with one per person; the other formats hold everyone.",
    )


def _place(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
