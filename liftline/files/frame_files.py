"""`detectron_output/frame_0001_keypoints.json`, ...: a folder with one JSON file per frame of a video."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from liftline.files.atomic import output_errors


def write_frame_files(folder: Path, records: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Write each record into the file of its `frame`, counted from 1, and remove those of frames without a record.

    Every file is whole or absent; where `records` raises, nothing changes. Raises OutputError where the folder can't be
    written.
    """
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".keypoints-", dir=folder) as name:
            scratch = Path(name)
            names = []
            for record in records:
                names.append(f"frame_{record['frame']:04d}_keypoints.json")
                (scratch / names[-1]).write_text(json.dumps(record, allow_nan=False), "utf-8")
            written = [(scratch / name).replace(folder / name) for name in names]
        for stale in set(folder.glob("frame_*_keypoints.json")).difference(written):
            stale.unlink()
    return written
