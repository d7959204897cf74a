"""Each step alone gives what the whole run gives, on our files and on VideoPose3D's."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from liftline import poses as poses_file
from liftline.files.atomic import sha256_file
from tests.support import Liftline


def test_detect_then_lift_then_render_equals_process(
    clip: Path, processed: Path, liftline: Liftline, tmp_path: Path
) -> None:
    assert liftline("detect", clip, "-o", tmp_path).exit_code == 0
    tracks = tmp_path / "custom_data" / "tracks_walk.npz"
    assert sha256_file(tracks) == sha256_file(processed / "custom_data" / "tracks_walk.npz")
    assert liftline("lift", tracks, "--output", tmp_path / "poses.npz").exit_code == 0
    assert sha256_file(tmp_path / "poses.npz") == sha256_file(processed / "poses_3d" / "walk.npz")
    assert liftline("render", clip, tmp_path / "poses.npz", "--output", tmp_path / "out.mp4").exit_code == 0
    assert sha256_file(tmp_path / "out.mp4") == sha256_file(processed / "output_videos" / "walk.mp4")


def test_a_custom_dataset_without_times_runs_at_native_rate_and_says_so(
    processed: Path, liftline: Liftline, tmp_path: Path
) -> None:
    custom = processed / "custom_data" / "data_2d_custom_walk.npz"
    outcome = liftline("lift", custom, "--output", tmp_path / "p.npz", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert any("native rate" in warning for warning in outcome.report["warnings"])
    assert len(poses_file.load(tmp_path / "p.npz").frame_index) == 16


def test_a_custom_dataset_with_its_video_lifts_like_our_tracks(
    processed: Path, clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    custom = processed / "custom_data" / "data_2d_custom_walk.npz"
    assert liftline("lift", custom, "--output", tmp_path / "p.npz", "--video", clip).exit_code == 0
    ours = poses_file.load(processed / "poses_3d" / "walk.npz")
    theirs = poses_file.load(tmp_path / "p.npz")
    np.testing.assert_allclose(theirs.frame_times_s, ours.frame_times_s)
    # A custom dataset holds no scores, which the cleaning of keypoints and motion goes by.
    np.testing.assert_allclose(theirs.joints_m, ours.joints_m, atol=5e-3)


def test_fps_and_video_together_are_refused(processed: Path, clip: Path, liftline: Liftline, tmp_path: Path) -> None:
    custom = processed / "custom_data" / "data_2d_custom_walk.npz"
    outcome = liftline("lift", custom, "--output", tmp_path / "p.npz", "--video", clip, "--fps", 25)
    assert outcome.exit_code == 2


@pytest.mark.parametrize("layout", ["overlay", "side-by-side", "3d"])
def test_every_layout_is_rendered_with_all_frames(
    layout: str, clip: Path, processed: Path, liftline: Liftline, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    arguments = ("render", clip, processed / "poses_3d" / "walk.npz", "--output", out, "--layout", layout)
    assert liftline(*arguments).exit_code == 0
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 16


def test_what_was_seen_is_drawn_instead_of_the_3d_result(
    clip: Path, processed: Path, liftline: Liftline, tmp_path: Path
) -> None:
    shutil.copytree(processed, tmp_path / "again")
    outcome = liftline(
        "process", clip, "-o", tmp_path / "again", "--overlay", "keypoints", "--export", "json,csv,npy,trc", "--json"
    )
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["seconds"].keys() == {"render", "mux"}
    whole = tmp_path / "again" / "output_videos" / "walk.mp4"
    assert sha256_file(whole) != sha256_file(processed / "output_videos" / "walk.mp4")
    arguments = ("render", clip, processed / "poses_3d" / "walk.npz", "-o", tmp_path / "out.mp4")
    assert liftline(*arguments, "--overlay", "keypoints").exit_code == 0
    assert sha256_file(tmp_path / "out.mp4") == sha256_file(whole)


def test_a_gif_is_made_by_extension(clip: Path, processed: Path, liftline: Liftline, tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    assert liftline("render", clip, processed / "poses_3d" / "walk.npz", "--output", out).exit_code == 0
    assert out.read_bytes()[:6] == b"GIF89a"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.gif"]


@pytest.mark.parametrize(
    "command", [[], ["process"], ["detect"], ["lift"], ["render"], ["models"], ["models", "fetch"]]
)
def test_help_explains_every_command(command: list[str], liftline: Liftline) -> None:
    outcome = liftline(*command, "--help")
    assert outcome.exit_code == 0
    assert "Usage" in outcome.stdout
    if command in (["process"], ["detect"], ["lift"], ["render"]):
        assert "Example" in outcome.stdout
