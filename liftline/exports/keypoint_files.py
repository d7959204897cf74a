"""`detectron_output/frame_0001_keypoints.json`, ...: who was seen in each frame, for people and scripts to read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from liftline.files.atomic import atomic_path
from liftline.ports import StopToken
from liftline.skeletons import COCO17
from liftline.tracks import Tracks


def keypoint_records(tracks: Tracks) -> Iterator[dict[str, Any]]:
    """One record per frame of the video, in order; people whose frame was interpolated aren't in it.

    `frame` counts from 1; lengths are pixels, rounded to a hundredth. `keypoints` are COCO's 17, each x, y, score;
    `further_keypoints` the same of feet, hands and others that were seen, by name, where the detector has such.
    """
    owner = np.repeat(tracks.track_ids, np.diff(tracks.row_offsets))
    seen = np.flatnonzero(tracks.observed)
    seen = seen[np.argsort(tracks.frame_index[seen], kind="stable")]
    bounds = np.searchsorted(tracks.frame_index[seen], np.arange(len(tracks.frame_times_s) + 1))
    for frame, time_s in enumerate(tracks.frame_times_s.tolist()):
        rows = seen[bounds[frame] : bounds[frame + 1]]
        yield {
            "frame": frame + 1,
            "time_s": round(time_s, 6),
            "width": tracks.width_px,
            "height": tracks.height_px,
            "detector": tracks.detector,
            "instances": [_instance(tracks, row, int(owner[row])) for row in rows.tolist()],
        }


def keypoint_lines(tracks: Tracks) -> Iterator[bytes]:
    """The contents of the files of all frames, in order."""
    return (json.dumps(record, allow_nan=False).encode() for record in keypoint_records(tracks))


def write_keypoint_lines(path: Path, tracks: Tracks, *, stop: StopToken) -> None:
    """All of them as one file, a gzipped line per frame. Equal tracks give equal bytes.

    Raises:
        OutputError: it can't be written.
        Cancelled: told to stop.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream,
    ):
        for line in keypoint_lines(tracks):
            stop.raise_if_stopped()
            stream.write(line + b"\n")


def _instance(tracks: Tracks, row: int, track: int) -> dict[str, Any]:
    keypoints = np.column_stack([tracks.keypoints_px[row], tracks.keypoint_scores[row]]).astype(np.float64)
    keypoints[:, :2] = keypoints[:, :2].round(2)
    keypoints[:, 2] = keypoints[:, 2].round(4)
    seen = np.flatnonzero(np.isfinite(keypoints).all(axis=1)).tolist()
    points, joints = keypoints.tolist(), range(len(COCO17), len(keypoints))
    further = {tracks.skeleton.joints[joint]: points[joint] for joint in joints if joint in seen}
    return {
        "track_id": track,
        "bbox_xyxy": tracks.boxes_px[row].astype(np.float64).round(2).tolist(),
        "score": round(float(tracks.scores[row]), 4),
        "keypoints": points[: len(COCO17)],
        **({"further_keypoints": further} if joints else {}),
    }
