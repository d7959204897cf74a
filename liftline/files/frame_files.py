"""`detectron_output/frame_0001_keypoints.json`, ...: a folder with one JSON file per frame of a video.

The same as one file: gzip, a line per frame (`keypoints.jsonl.gz` of a job), which `read_keypoint_lines` reads.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydantic_core import from_json

from liftline.errors import InvalidArtifactError
from liftline.files.atomic import output_errors

_PATTERN = "frame_*_keypoints.json"
_MAX_LINE_BYTES = 256 << 20


def file_name(frame: int) -> str:
    """Name of a frame's file; `frame` counts from 1."""
    return f"frame_{frame:04d}_keypoints.json"


def read_keypoint_lines(path: Path) -> Iterator[bytes]:
    """The lines of such a file, without their ends. Raises InvalidArtifactError where it is damaged."""
    try:
        with gzip.open(path, "rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE_BYTES), b""), 1):
                record = from_json(line, allow_inf_nan=False)
                if record.get("frame") != number:
                    raise ValueError(f"line {number} is of another frame")
                yield line.removesuffix(b"\n")
    except (OSError, EOFError, zlib.error, ValueError, AttributeError) as error:
        raise InvalidArtifactError(f"{path.name}: isn't what it should be ({error}); run the job again.") from error


def write_frame_files(
    folder: Path, lines: Iterable[bytes], *, before_each: Callable[[], object] = lambda: None
) -> dict[str, str]:
    """Write a file per frame, and remove those of an earlier, longer video; gives their names and SHA-256.

    Every file is whole or absent. `before_each` is called before each of them; where it or `lines` raises, nothing
    changes. Raises OutputError where the folder can't be written.
    """
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keypoints-", dir=folder) as name:
            scratch, written = Path(name), dict[str, str]()
            for number, line in enumerate(lines, 1):
                before_each()
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
