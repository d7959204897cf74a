"""One JSON file per frame tells who was seen there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.errors import Cancelled, OutputError
from liftline.exports.keypoint_files import keypoint_lines, keypoint_records, write_keypoint_lines
from liftline.files.atomic import sha256_file
from liftline.files.frame_files import read_keypoint_lines, unchanged_frame_files, write_frame_files
from liftline.progress import StopFlag
from liftline.skeletons import COCO17_TO_HALPE26_HANDS, HALPE26_HANDS, remap_joints
from liftline.tracks import Tracks
from tests.unit.lifter.random_networks import tracks_of


def written_into(folder: Path, tracks: Tracks, *, stop: StopFlag | None = None) -> list[Path]:
    """The files, in order; what is told of them is true."""
    told = write_frame_files(
        folder, keypoint_lines(tracks), before_each=stop.raise_if_stopped if stop else lambda: None
    )
    assert told == {path.name: sha256_file(path) for path in map(folder.joinpath, told)}
    return [folder / name for name in told]


def test_every_frame_has_a_file_counted_from_one(tmp_path: Path) -> None:
    tracks = tracks_of([12, 5], starts=[0, 3])
    written = written_into(tmp_path / "k", tracks)
    assert [path.name for path in written[:2]] == ["frame_0001_keypoints.json", "frame_0002_keypoints.json"]
    assert sorted((tmp_path / "k").iterdir()) == written
    record = json.loads(written[3].read_text())
    assert {key: record[key] for key in ("frame", "width", "height", "detector")} == {
        "frame": 4, "width": 1280, "height": 720, "detector": "synthetic",
    }  # fmt: skip
    assert record["time_s"] == pytest.approx(0.1)
    assert [person["track_id"] for person in record["instances"]] == [1, 2]
    person = record["instances"][1]
    np.testing.assert_allclose(np.array(person["keypoints"])[:, :2], tracks.keypoints_px[12], atol=0.006)
    np.testing.assert_allclose(person["bbox_xyxy"], tracks.boxes_px[12], atol=0.006)
    assert (np.array(person["keypoints"]).shape, person["score"]) == ((17, 3), 0.9)


def test_feet_and_hands_that_were_seen_stand_beside_cocos_keypoints_by_name() -> None:
    tracks = tracks_of([3])
    points = remap_joints(tracks.keypoints_px, COCO17_TO_HALPE26_HANDS, missing=np.nan)
    scores = remap_joints(tracks.keypoint_scores, COCO17_TO_HALPE26_HANDS, missing=0)
    points[1, HALPE26_HANDS.index["left_heel"]], scores[1, HALPE26_HANDS.index["left_heel"]] = (3.126, 4), 0.5
    rich = replace(tracks, keypoints_px=points, keypoint_scores=scores, skeleton=HALPE26_HANDS)
    told = list(keypoint_records(rich))
    further = [record["instances"][0].pop("further_keypoints") for record in told]
    assert further == [{}, {"left_heel": [3.13, 4.0, 0.5]}, {}]
    assert told == list(keypoint_records(tracks))


def test_interpolated_people_are_not_reported_as_seen() -> None:
    tracks = tracks_of([4])
    tracks = replace(tracks, observed=np.array([True, False, True, True]))
    assert [len(record["instances"]) for record in keypoint_records(tracks)] == [1, 0, 1, 1]


def test_a_video_without_people_still_has_a_file_per_frame(tmp_path: Path) -> None:
    written = written_into(tmp_path, tracks_of([]))
    assert [json.loads(path.read_text())["instances"] for path in written] == [[]] * 5


def test_files_of_an_earlier_longer_video_go_and_others_stay(tmp_path: Path) -> None:
    written_into(tmp_path, tracks_of([30]))
    (tmp_path / "notes.txt").write_text("mine")
    written = written_into(tmp_path, tracks_of([7]))
    assert sorted(tmp_path.iterdir()) == [*written, tmp_path / "notes.txt"]


def test_stopping_leaves_earlier_files_as_they_were(tmp_path: Path) -> None:
    before = written_into(tmp_path, tracks_of([5]))
    content = before[0].read_text()
    stop = StopFlag()
    stop.stop()
    with pytest.raises(Cancelled):
        written_into(tmp_path, tracks_of([9]), stop=stop)
    assert sorted(tmp_path.iterdir()) == before
    assert before[0].read_text() == content


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        written_into(tmp_path / "file" / "k", tracks_of([3]))


def test_files_that_are_there_as_they_should_be_are_known(tmp_path: Path) -> None:
    tracks = tracks_of([6])
    told = write_frame_files(tmp_path, keypoint_lines(tracks))
    assert unchanged_frame_files(tmp_path, keypoint_lines(tracks)) == told


@pytest.mark.parametrize("change", ["altered", "missing", "one more"])
def test_files_that_differ_are_known_too(change: str, tmp_path: Path) -> None:
    tracks = tracks_of([6])
    files = written_into(tmp_path, tracks)
    if change == "altered":
        files[2].write_bytes(b"{}")
    elif change == "missing":
        files[-1].unlink()
    else:
        files[0].with_name("frame_0099_keypoints.json").write_bytes(b"{}")
    assert unchanged_frame_files(tmp_path, keypoint_lines(tracks)) is None


def test_lines_in_one_file_are_those_of_the_files(tmp_path: Path) -> None:
    tracks = tracks_of([12, 5], starts=[0, 3])
    write_keypoint_lines(tmp_path / "lines.gz", tracks, stop=StopFlag())
    assert list(read_keypoint_lines(tmp_path / "lines.gz")) == list(keypoint_lines(tracks))
