"""Which files below a folder are processed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from liftline.errors import InvalidInputError, UsageError
from liftline_cli.batch._finding import find_videos


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(folder: Path, output_dir: Path | None = None) -> list[str]:
    return [str(path) for path in find_videos(folder, output_dir or folder / "nowhere")]


def test_videos_of_all_subfolders_are_found_in_order_whatever_the_case(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a.MOV", "sub/deep/c.WebM", "notes.txt", "mp4", "poses.npz")
    assert found(tmp_path) == ["a.MOV", "b.mp4", "sub/deep/c.WebM"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", ".b.mp4", ".cache/c.mp4", "._a.mp4")
    assert found(tmp_path) == ["a.mp4"]


def test_results_are_never_processed_again(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "out/a.mp4/output_videos/a.mp4", "earlier/output_videos/a.mp4")
    (tmp_path / "earlier" / ".liftline").mkdir()
    assert found(tmp_path, tmp_path / "out") == ["a.mp4"]


def test_the_output_folder_is_known_by_another_name_too(tmp_path: Path) -> None:
    touch(tmp_path, "videos/a.mp4", "videos/out/b.mp4")
    (tmp_path / "link").symlink_to(tmp_path / "videos" / "out")
    assert found(tmp_path / "videos", tmp_path / "link") == ["a.mp4"]


def test_a_linked_folder_is_followed_and_a_loop_of_links_is_not(tmp_path: Path) -> None:
    touch(tmp_path, "videos/a.mp4", "elsewhere/b.mp4")
    (tmp_path / "videos" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "videos" / "loop").symlink_to(tmp_path / "videos")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "videos")
    assert found(tmp_path / "videos") == ["a.mp4", "link/b.mp4"]


def test_a_broken_link_to_a_folder_is_no_trouble(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path) == ["a.mp4"]


def test_a_folder_named_like_a_video_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "x.mp4/y.mp4")
    assert found(tmp_path) == ["x.mp4/y.mp4"]


def test_no_videos_is_an_error_that_names_the_endings(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(InvalidInputError, match=r"no videos.*\.mp4"):
        found(tmp_path)


def test_results_among_the_videos_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    with pytest.raises(UsageError, match="another --output-dir"):
        found(tmp_path, tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "locked/b.mp4")
    (tmp_path / "locked").chmod(0)
    try:
        with pytest.raises(InvalidInputError, match="locked"):
            found(tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o755)
