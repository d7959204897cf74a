"""Two output folders of one video, compared as the architecture promises: section 2, equal results."""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

import av
import numpy as np

from liftline import poses, tracks
from liftline.files.output_tree import WORK_FOLDER

KEYPOINT_TOLERANCE_PX, POSE_TOLERANCE_M = 0.1, 1e-4


def files(root: Path) -> set[str]:
    """Places of all files, without those that are for the next run alone."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[0] != WORK_FOLDER}


def assert_equal(local: Path, cluster: Path, video: Path) -> None:
    """The same tree, tracks, keypoints, poses, scene and decoded frames."""
    assert files(cluster) == files(local)
    _assert_equal_tracks(local, cluster, f"custom_data/tracks_{video.stem}.npz")
    _assert_equal_poses(local, cluster, f"poses_3d/{video.stem}.npz")
    _assert_equal_json(local, cluster, f"poses_3d/{video.stem}.scene.json")
    for path in sorted(files(local)):
        if path.endswith("_keypoints.json"):
            _assert_equal_json(local, cluster, path)
    _assert_equal_frames(local, cluster, f"output_videos/{video.stem}.mp4")
    _assert_equal_manifests(local, cluster)


def _assert_equal_tracks(local: Path, cluster: Path, path: str) -> None:
    one, other = tracks.load(local / path), tracks.load(cluster / path)
    for name in ("frame_times_s", "track_ids", "row_offsets", "frame_index", "observed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("keypoints_px", "boxes_px"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=KEYPOINT_TOLERANCE_PX, err_msg=name)


def _assert_equal_poses(local: Path, cluster: Path, path: str) -> None:
    one, other = poses.load(local / path), poses.load(cluster / path)
    for name in ("frame_times_s", "track_ids", "row_offsets", "frame_index", "observed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("joints_m", "root_cam_m"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=POSE_TOLERANCE_M, err_msg=name)


def _assert_equal_json(local: Path, cluster: Path, path: str) -> None:
    one, other = (json.loads((root / path).read_text("utf-8")) for root in (local, cluster))
    assert _numbers_aside(one) == _numbers_aside(other), path
    np.testing.assert_allclose(_numbers(one), _numbers(other), atol=KEYPOINT_TOLERANCE_PX, err_msg=path)


def _assert_equal_frames(local: Path, cluster: Path, path: str) -> None:
    with av.open(str(local / path)) as one, av.open(str(cluster / path)) as other:
        assert [stream.type for stream in one.streams] == [stream.type for stream in other.streams]
        count = 0
        for frame, twin in zip_longest(one.decode(video=0), other.decode(video=0)):
            assert frame is not None, f"local mode has {count} frames"
            assert twin is not None, f"the cluster has {count} frames"
            assert (frame.pts, frame.time_base) == (twin.pts, twin.time_base)
            np.testing.assert_array_equal(frame.to_ndarray(), twin.to_ndarray(), err_msg=f"frame {count}")
            count += 1
    assert count


def _assert_equal_manifests(local: Path, cluster: Path) -> None:
    one, other = (json.loads((root / "manifest.json").read_text("utf-8")) for root in (local, cluster))
    assert set(one["files"]) == set(other["files"])
    for name in ("schema_version", "liftline", "input", "models", "warnings"):
        assert one[name] == other[name], name
    assert set(one["seconds"]) == set(other["seconds"])


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in _numbers(part)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _numbers_aside(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers_aside(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_numbers_aside(part) for part in value]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value
