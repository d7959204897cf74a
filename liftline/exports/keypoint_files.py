"""`detectron_output/frame_0001_keypoints.json`, ...: who was seen in each frame, for people and scripts to read."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from liftline.errors import OutputError
from liftline.files.artifacts import atomic_path
from liftline.ports import StopToken
from liftline.tracks import Tracks

_PATTERN = "frame_*_keypoints.json"


def file_name(frame: int) -> str:
    """Name of a frame's file; `frame` counts from 1."""
    return f"frame_{frame:04d}_keypoints.json"


def keypoint_records(tracks: Tracks) -> Iterator[dict[str, Any]]:
    """One record per frame of the video, in order; people whose frame was interpolated aren't in it.

    `frame` counts from 1; lengths are pixels, rounded to a hundredth.
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


def write_keypoint_files(folder: Path, tracks: Tracks, *, stop: StopToken | None = None) -> list[Path]:
    """Write a file per frame, and remove those of an earlier, longer video.

    Every file is whole or absent.

    Raises:
        OutputError: the folder can't be written.
        Cancelled: told to stop.
    """
    return write_frame_files(folder, keypoint_records(tracks), stop=stop)


def write_frame_files(
    folder: Path, records: Iterable[Mapping[str, Any]], *, stop: StopToken | None = None
) -> list[Path]:
    """The same from `keypoint_records`, which may have been stored meanwhile."""
    with _output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keypoints-", dir=folder) as name:
            scratch = Path(name)
            names = []
            for record in records:
                if stop is not None:
                    stop.raise_if_stopped()
                names.append(file_name(record["frame"]))
                (scratch / names[-1]).write_text(json.dumps(record, allow_nan=False), "utf-8")
            written = [(scratch / name).replace(folder / name) for name in names]
        for stale in set(folder.glob(_PATTERN)).difference(written):
            stale.unlink()
    return written


def write_keypoint_lines(path: Path, tracks: Tracks, *, stop: StopToken) -> None:
    """The same as one file, a gzipped line per frame. Equal tracks give equal bytes.

    Raises:
        OutputError: it can't be written.
        Cancelled: told to stop.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as lines,
    ):
        for record in keypoint_records(tracks):
            stop.raise_if_stopped()
            lines.write(json.dumps(record, allow_nan=False).encode() + b"\n")


@contextmanager
def _output_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{folder}: can't be written ({reason}); choose another --output-dir.") from error


def _instance(tracks: Tracks, row: int, track: int) -> dict[str, Any]:
    keypoints = np.column_stack([tracks.keypoints_px[row], tracks.keypoint_scores[row]]).astype(np.float64)
    keypoints[:, :2] = keypoints[:, :2].round(2)
    keypoints[:, 2] = keypoints[:, 2].round(4)
    return {
        "track_id": track,
        "bbox_xyxy": tracks.boxes_px[row].astype(np.float64).round(2).tolist(),
        "score": round(float(tracks.scores[row]), 4),
        "keypoints": keypoints.tolist(),
    }
