"""Rerun's recordings, `<stem>.rrd` (extra `rerun`): everyone in 3D over the video's time, to turn and to scrub.

A recording opens in the viewer of the version that wrote it, and in a few later ones.
Layout: `world` z up; `world/camera` the camera; `world/people/<id>` joints and bones; `scores/<id>` how surely they
were seen. Timelines: `frame`, counted from 1, and `video`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from liftline.exports._extras import needed
from liftline.files.atomic import atomic_path
from liftline.kinematics.person import Person, people, z_up
from liftline.poses import Poses
from liftline.scene import Scene, world_axes

_COLOURS = ((231, 111, 81), (42, 157, 143), (233, 196, 106), (38, 70, 83), (144, 190, 109), (87, 117, 144))


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.rrd`. Raises UsageError where rerun-sdk isn't installed."""
    rr = needed("rrd")
    path = base.with_suffix(".rrd")
    with atomic_path(path) as temporary:
        recording = rr.RecordingStream("liftline", recording_id=base.stem)
        recording.save(temporary)
        _log_room(rr, recording, poses, scene)
        for person in people(poses, scene):
            if len(person):
                _log_person(rr, recording, person)
        recording.flush()
        recording.disconnect()
    return [path]


def _log_room(rr: Any, recording: Any, poses: Poses, scene: Scene) -> None:
    skeleton = poses.skeleton
    classes = [
        rr.ClassDescription(
            info=rr.AnnotationInfo(id=track, label=f"person {track}", color=_COLOURS[i % len(_COLOURS)]),
            keypoint_annotations=[rr.AnnotationInfo(id=i, label=name) for i, name in enumerate(skeleton.joints)],
            keypoint_connections=list(skeleton.edges),
        )
        for i, track in enumerate(poses.track_ids.tolist())
    ]
    recording.log("/", rr.AnnotationContext(classes), static=True)
    recording.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    axes = world_axes(scene)
    recording.log("world/camera", rr.Transform3D(translation=[0, 0, -scene.floor_m], mat3x3=axes), static=True)
    size = [poses.width_px, poses.height_px]
    lens = rr.Pinhole(focal_length=scene.focal_px, resolution=size, camera_xyz=rr.ViewCoordinates.RDF)
    recording.log("world/camera", lens, static=True)


def _log_person(rr: Any, recording: Any, person: Person) -> None:
    """Joints that were never seen aren't logged."""
    frames, joints = len(person), np.flatnonzero(person.seen)
    times = [
        rr.TimeColumn("frame", sequence=person.frame_index + 1),
        rr.TimeColumn("video", duration=person.times_s),
    ]
    points = rr.Points3D.columns(
        positions=z_up(person.joints_m[:, joints]).reshape(-1, 3),
        class_ids=np.full(frames * len(joints), person.track_id),
        keypoint_ids=np.tile(joints, frames),
    ).partition([len(joints)] * frames)
    recording.send_columns(f"world/people/{person.track_id}", times, points)
    scores = rr.Scalars.columns(scalars=person.scores[:, joints].ravel()).partition([len(joints)] * frames)
    recording.send_columns(f"scores/{person.track_id}", times, scores)
