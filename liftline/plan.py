"""The plan of a video: when every frame is shown, and the segments that are worked on independently.

Made by demuxing alone. Segments are half-open ranges of the frame index; they depend on the video and the segment
length only, never on how many workers there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from liftline.files import artifacts
from liftline.files.block_hashes import BlockHashes
from liftline.frames import VideoInfo

ARTIFACT, SCHEMA_VERSION = "plan", 1
_INFO = TypeAdapter(VideoInfo)
_BLOCKS = "block_sha256"
"""No plan of older versions has it, and they don't mind it: no reason for another schema version."""


@dataclass(frozen=True)
class Segment:
    """Frames start..stop-1; decoding starts at `warmup_start` so that a seam is no cold start."""

    number: int
    start: int
    stop: int
    warmup_start: int

    def __len__(self) -> int:
        """Number of frames the segment answers for."""
        return self.stop - self.start


@dataclass(frozen=True)
class Plan:
    """pts (F,) int64 of every frame in presentation order, in units of `info.time_base`; `segments` cover them all.

    exact_times is False where the file has no usable timestamps: pts then count frames at the average rate, and there
    is one segment. warnings are sentences for the user. blocks are those of the file that was planned, where it is read
    by ranges.
    """

    info: VideoInfo
    pts: NDArray[np.int64]
    segments: tuple[Segment, ...]
    exact_times: bool = True
    warnings: tuple[str, ...] = ()
    blocks: BlockHashes | None = None

    def __post_init__(self) -> None:
        """Raise ValueError unless the segments tile the frames and times rise."""
        edges = [0, *(s.stop for s in self.segments)]
        if [s.start for s in self.segments] != edges[:-1] or edges[-1] != len(self.pts):
            raise ValueError("segments must cover all frames without gaps")
        if np.any(np.diff(self.pts) <= 0):
            raise ValueError("pts must rise")

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return len(self.pts)

    @property
    def frame_times_s(self) -> NDArray[np.float64]:
        """(F,) presentation times in seconds, the first frame at 0."""
        return np.asarray((self.pts - self.pts[0]) * float(self.info.time_base), np.float64)


def save(path: Path, plan: Plan) -> None:
    """Write a plan as a versioned npz."""
    blocks = {} if plan.blocks is None else {_BLOCKS: np.frombuffer(plan.blocks.digests, np.uint8)}
    artifacts.save_npz(
        path,
        artifact=ARTIFACT,
        schema_version=SCHEMA_VERSION,
        arrays={"pts": plan.pts, "segments": _rows(plan), **blocks},
        meta=_meta(plan),
    )


def load(path: Path) -> Plan:
    """Read a plan. Raises InvalidArtifactError: no such file, another kind or version, damaged."""
    npz, name = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION), str(path)
    forms = {"pts": ((None,), np.int64), "segments": ((None, 3), np.int64)}
    pts, rows = artifacts.checked_arrays(npz, forms, name=name).values()
    with artifacts.consistent(name):
        return _plan(npz.meta, pts, rows.tolist(), _blocks(npz, name))


def to_bytes(plan: Plan) -> bytes:
    """A plan for another process of the same version."""
    head = json.dumps(_meta(plan) | {"segments": _rows(plan).tolist()}).encode()
    return head + b"\n" + plan.pts.astype("<i8").tobytes()


def from_bytes(data: bytes) -> Plan:
    """What `to_bytes` made. Raises ValueError where it isn't that."""
    end = data.index(b"\n")
    head = json.loads(data[:end])
    return _plan(head, np.frombuffer(data, "<i8", offset=end + 1), head["segments"])


def _rows(plan: Plan) -> NDArray[np.int64]:
    return np.array([[s.start, s.stop, s.warmup_start] for s in plan.segments], np.int64).reshape(-1, 3)


def _meta(plan: Plan) -> dict[str, Any]:
    return {
        "info": _INFO.dump_python(plan.info, mode="json"),
        "exact_times": plan.exact_times,
        "warnings": list(plan.warnings),
    }


def _plan(
    meta: Mapping[str, Any], pts: NDArray[np.int64], rows: Iterable[list[int]], blocks: BlockHashes | None = None
) -> Plan:
    return Plan(
        _INFO.validate_python(meta["info"]),
        pts,
        tuple(Segment(n, *row) for n, row in enumerate(rows)),
        bool(meta["exact_times"]),
        tuple(meta["warnings"]),
        blocks,
    )


def _blocks(npz: artifacts.Npz, name: str) -> BlockHashes | None:
    if _BLOCKS not in npz.arrays:
        return None
    digests = artifacts.checked_arrays(npz, {_BLOCKS: ((None,), np.uint8)}, name=name)[_BLOCKS]
    return BlockHashes(digests.tobytes())
