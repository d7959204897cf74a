"""`liftline process`: the whole tree from one command, nothing done twice, nothing left half-done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from liftline import poses as poses_file
from liftline.files.atomic import sha256_file
from tests.support import Liftline


def visible_files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and ".liftline" not in path.parts
    }


def test_the_output_is_exactly_the_tree_of_the_architecture_page(processed: Path) -> None:
    keypoints = {f"detectron_output/frame_{i:04d}_keypoints.json" for i in range(1, 17)}
    assert visible_files(processed) == keypoints | {
        "detectron_output/walk.mp4.npz",
        "custom_data/data_2d_custom_walk.npz",
        "custom_data/tracks_walk.npz",
        "poses_3d/walk.npz",
        "poses_3d/walk.scene.json",
        "poses_3d/walk.json",
        "poses_3d/walk.csv",
        "poses_3d/walk.npy",
        "poses_3d/walk.trc",
        "output_videos/walk.mp4",
        "manifest.json",
    }


def test_the_manifest_names_models_licences_and_the_hash_of_every_file(processed: Path) -> None:
    manifest = json.loads((processed / "manifest.json").read_text())
    assert set(manifest["files"]) == visible_files(processed) - {"manifest.json"}
    for name, sha in manifest["files"].items():
        assert sha256_file(processed / name) == sha
    assert len(manifest["models"]) == 2
    assert all(model["licence"] and len(model["sha256"]) == 64 for model in manifest["models"])
    assert manifest["input"]["frames"] == 16
    assert set(manifest["seconds"]) >= {"plan", "detect", "track", "lift", "render", "mux"}


def test_the_mannequin_is_one_person_in_every_frame(processed: Path) -> None:
    poses = poses_file.load(processed / "poses_3d" / "walk.npz")
    assert len(poses) == 1
    assert poses.frame_index.tolist() == list(range(16))
    assert poses.observed.mean() >= 0.9


def test_keypoint_files_hold_what_the_contract_says(processed: Path) -> None:
    frame = json.loads((processed / "detectron_output" / "frame_0001_keypoints.json").read_text())
    assert (frame["frame"], frame["time_s"], frame["width"], frame["height"]) == (1, 0, 320, 240)
    person = frame["instances"][0]
    assert np.array(person["keypoints"]).shape == (17, 3)
    assert len(person["bbox_xyxy"]) == 4
    assert {"track_id", "score"} <= set(person)


def test_the_rendered_video_has_the_frames_and_times_of_the_input(processed: Path, clip: Path) -> None:
    def times(path: Path) -> list[float]:
        with av.open(str(path)) as container:
            return [float(f.pts * f.time_base) for f in container.decode(video=0) if f.pts is not None and f.time_base]

    assert times(processed / "output_videos" / "walk.mp4") == pytest.approx(times(clip))


def test_a_second_run_does_nothing_again(processed: Path, clip: Path, liftline: Liftline, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(processed, folder)
    results = [folder / name for name in visible_files(folder)]
    before = [path.stat().st_mtime_ns for path in results]
    outcome = liftline("process", clip, "--output-dir", folder, "--export", "json,csv,npy,trc", "--json")
    assert outcome.exit_code == 0
    assert outcome.report["seconds"] == {}
    assert [path.stat().st_mtime_ns for path in results] == before, "the manifest keeps its timings too"


def test_a_lost_manifest_is_made_again_with_the_timings_of_the_run(
    processed: Path, clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(processed, folder)
    (folder / "manifest.json").unlink()
    outcome = liftline("process", clip, "--output-dir", folder, "--export", "json,csv,npy,trc", "--json")
    assert outcome.report["seconds"] == {}
    made, again = (json.loads((f / "manifest.json").read_text()) for f in (processed, folder))
    assert again["seconds"] == made["seconds"]
    assert again["files"] == made["files"]


def test_a_warning_is_repeated_by_a_run_with_nothing_to_do(
    blank_video: Callable[..., Path], liftline: Liftline, tmp_path: Path
) -> None:
    arguments = ("process", blank_video(frames=2), "-o", tmp_path / "out", "--json")
    first, second = liftline(*arguments), liftline(*arguments)
    assert second.report["seconds"] == {}
    assert second.report["warnings"] == first.report["warnings"] != []


def test_another_layout_renders_again_without_detecting_again(
    processed: Path, clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(processed, folder)
    outcome = liftline("process", clip, "-o", folder, "--export", "json,csv,npy,trc", "--layout", "overlay", "--json")
    assert set(outcome.report["seconds"]) == {"render", "mux"}


def test_overwrite_runs_every_step_and_gives_the_same_results(
    processed: Path, clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(processed, folder)
    outcome = liftline("process", clip, "-o", folder, "--export", "json,csv,npy,trc", "--overwrite", "--json")
    assert {"plan", "detect", "track", "lift", "render", "mux"} <= set(outcome.report["seconds"])
    for name in ("poses_3d/walk.npz", "custom_data/tracks_walk.npz", "output_videos/walk.mp4"):
        assert sha256_file(folder / name) == sha256_file(processed / name), name


def test_a_lost_keypoint_file_is_made_again(processed: Path, clip: Path, liftline: Liftline, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(processed, folder)
    (folder / "detectron_output" / "frame_0003_keypoints.json").unlink()
    outcome = liftline("process", clip, "-o", folder, "--export", "json,csv,npy,trc", "--json")
    assert outcome.exit_code == 0
    assert visible_files(folder) == visible_files(processed)


def test_a_video_with_nobody_in_it_is_rendered_with_a_warning(
    blank_video: Callable[..., Path], liftline: Liftline, tmp_path: Path
) -> None:
    outcome = liftline("process", blank_video(), "-o", tmp_path / "out", "--export", "json,trc", "--json")
    assert outcome.exit_code == 0
    assert outcome.report["people"] == 0
    assert any("nobody was found" in warning for warning in outcome.report["warnings"])
    assert (tmp_path / "out" / "output_videos" / "blank.mp4").exists()


@pytest.mark.parametrize("name", ["zwei Läufer & ein Ball.mp4", "走る人.mp4", "a'b\"c$(d).mp4", "50%#1.mp4"])
def test_names_with_spaces_and_other_scripts_work(
    name: str, blank_video: Callable[..., Path], liftline: Liftline, tmp_path: Path
) -> None:
    outcome = liftline("process", blank_video(name, frames=2), "-o", tmp_path / "out dir ü", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert (tmp_path / "out dir ü" / "output_videos" / name).exists()


def test_one_frame_is_a_video_too(blank_video: Callable[..., Path], liftline: Liftline, tmp_path: Path) -> None:
    outcome = liftline("process", blank_video(frames=1), "-o", tmp_path / "out", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["frames"] == 1


def test_two_videos_share_a_folder_and_keypoint_files_are_the_latest_ones(
    processed: Path, blank_video: Callable[..., Path], liftline: Liftline, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    shutil.copytree(processed, folder)
    assert liftline("process", blank_video(frames=3), "-o", folder).exit_code == 0
    assert {p.name for p in (folder / "output_videos").iterdir()} == {"walk.mp4", "blank.mp4"}
    assert len(list((folder / "detectron_output").glob("frame_*.json"))) == 3


def test_ctrl_c_leaves_no_half_written_file_and_the_next_run_goes_on(clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "liftline_cli.main", "process", str(clip), "--output-dir", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: any((tmp_path / "out" / ".liftline").rglob("results/plan-*")), process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not list((tmp_path / "out").rglob("*.partial*"))
    assert not (tmp_path / "out" / "manifest.json").exists()
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "unchanged since the last run" in finished.stderr


def test_a_killed_run_goes_on_where_it_was_segment_by_segment(clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "liftline_cli.main", "process", str(clip), "-o", str(tmp_path / "out"), "--json"]
    environment = {**os.environ, "LIFTLINE_SEGMENT_S": "0.25"}
    work = tmp_path / "out" / ".liftline" / "walk.mp4"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    wait_until(lambda: any(work.rglob("results/detect-*")), process)
    process.kill()
    process.communicate(timeout=60)
    assert not (tmp_path / "out" / "manifest.json").exists()
    before = {path: path.stat().st_mtime_ns for path in work.rglob("results/*")}
    assert before
    finished = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert finished.returncode == 0, finished.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what was finished isn't done again"
    assert json.loads(finished.stdout)["frames"] == 16
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["input"]["segments"] == 4
    assert not list(work.glob("*liftline-work-*")), "what it was killed at is removed"


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"never happened; exit code {process.poll()}")
