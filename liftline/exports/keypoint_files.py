"""`detectron_output/frame_0001_keypoints.json`, ...: who was seen in each frame, for people and scripts to read."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from liftline.errors import InvalidArtifactError, OutputError
from liftline.files import strict_json
from liftline.files.artifacts import atomic_path
from liftline.ports import StopToken
from liftline.tracks import Tracks

_PATTERN = "frame_*_keypoints.json"
_MAX_LINE_BYTES = 256 << 20


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


def read_keypoint_lines(path: Path) -> Iterator[bytes]:
    """The lines of such a file, without their ends. Raises InvalidArtifactError where it is damaged."""
    try:
        with gzip.open(path, "rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE_BYTES), b""), 1):
                record = strict_json.parse(line)
                if record.get("frame") != number:
                    raise ValueError(f"line {number} is of another frame")
                yield line.removesuffix(b"\n")
    except (OSError, EOFError, zlib.error, ValueError, AttributeError) as error:
        raise InvalidArtifactError(f"{path.name}: isn't what it should be ({error}); run the job again.") from error


def write_frame_files(folder: Path, lines: Iterable[bytes], *, stop: StopToken | None = None) -> dict[str, str]:
    """Write a file per frame, and remove those of an earlier, longer video; gives their names and SHA-256.

    Every file is whole or absent.

    Raises:
        OutputError: the folder can't be written.
        Cancelled: told to stop.
    """
    with _output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keypoints-", dir=folder) as name:
            scratch, written = Path(name), dict[str, str]()
            for number, line in enumerate(lines, 1):
                if stop is not None:
                    stop.raise_if_stopped()
                (scratch / file_name(number)).write_bytes(line)
                written[file_name(number)] = hashlib.sha256(line).hexdigest()
            for frame in written:
                (scratch / frame).replace(folder / frame)
        for stale in folder.glob(_PATTERN):
            if stale.name not in written:
                stale.unlink()
    return written


def unchanged_frame_files(folder: Path, lines: Iterable[bytes]) -> dict[str, str] | None:
    """What `write_frame_files` would give, where the folder has these files already and no others; else None."""
    found = dict[str, str]()
    for number, line in enumerate(lines, 1):
        path = folder / file_name(number)
        if not path.is_file() or path.read_bytes() != line:
            return None
        found[path.name] = hashlib.sha256(line).hexdigest()
    return found if len(found) == sum(1 for _ in folder.glob(_PATTERN)) else None


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
