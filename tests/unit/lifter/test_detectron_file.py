"""Detectron's file is written as VideoPose3D's scripts write it, and read whoever wrote it."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liftline.detections import Detections, People
from liftline.errors import InvalidInputError, UnsafePickleError, UsageError
from liftline.skeletons import HALPE26_HANDS
from liftline_lifter.videopose3d.detectron import read_detectron_file, write_detectron_file
from liftline_lifter.videopose3d.lift_input import load_keypoints
from tests.unit.lifter.random_networks import random_keypoints


def people(frame: int, count: int) -> People:
    """People who stand beside each other and move a little; the last has the highest score."""
    keypoints = np.stack([random_keypoints(frame + 1, seed=n)[frame] + [300 * n, 0] for n in range(count)])
    boxes = np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1)
    scores = np.linspace(0.8, 0.95, count)
    return People(*(a.astype(np.float32) for a in (boxes, scores, keypoints, np.full((count, 17), 0.5))))


def detections(counts: list[int]) -> Detections:
    frames = [(frame, people(frame, count) if count else People.empty()) for frame, count in enumerate(counts)]
    return Detections.from_frames(frames, start=0, stop=len(counts), detector="synthetic")


def write(path: Path, found: Detections) -> Path:
    write_detectron_file(path, found, width_px=1280, height_px=720)
    return path


def as_prepare_data_reads(path: Path) -> Any:
    """How VideoPose3D's prepare_data_2d_custom.py opens the file."""
    return np.load(path, encoding="latin1", allow_pickle=True)


def cells(values: list[Any]) -> np.ndarray:
    """What np.array made of such a list before NumPy 1.24."""
    out = np.empty((len(values), 2), object)
    for frame, pair in enumerate(values):
        out[frame, 0], out[frame, 1] = pair
    return out


def foreign(path: Path, boxes: Any, keypoints: Any, metadata: Any = None) -> Path:
    size = {"w": 1280, "h": 720} if metadata is None else metadata
    segments = np.array([None] * len(boxes), object)
    np.savez_compressed(path, boxes=boxes, segments=segments, keypoints=keypoints, metadata=np.array(size, object))
    return path


def written_by_detectron2(path: Path, found: Detections) -> Path:
    """Line for line what infer_video_d2.py does with a frame's instances, for NumPy 2."""
    boxes, keypoints = [], []
    for frame in range(found.frame_stop):
        here = found.people(frame)
        if len(here):
            box = np.concatenate((here.boxes_px, here.scores[:, None]), axis=1)
            prob = here.keypoint_scores[:, :, None]
            kps: Any = np.concatenate((here.keypoints_px, np.zeros_like(prob), prob), axis=2).transpose(0, 2, 1)
        else:
            box, kps = [], []
        boxes.append([[], box])
        keypoints.append([[], kps])
    return foreign(path, cells(boxes), cells(keypoints))


def written_by_detectron(path: Path, found: Detections) -> Path:
    """What Detectron's im_detect_all gives: a list of (4,17) arrays, None without anybody, logits."""
    boxes = np.empty((found.frame_stop, 2), object)
    keypoints = np.empty(found.frame_stop, object)
    for frame in range(found.frame_stop):
        here = found.people(frame)
        boxes[frame, 0] = []
        boxes[frame, 1] = np.concatenate((here.boxes_px, here.scores[:, None]), axis=1)
        if len(here):
            rows = np.full((len(here), 4, 17), 0.02, np.float32)
            rows[:, :2], rows[:, 2] = here.keypoints_px.transpose(0, 2, 1), 6.0
            keypoints[frame] = [[], list(rows)]
    return foreign(path, boxes, keypoints)


def test_the_file_has_the_structure_that_detectron2s_script_writes(tmp_path: Path) -> None:
    found = detections([2, 0, 1])
    ours = as_prepare_data_reads(write(tmp_path / "ours.npz", found))
    theirs = as_prepare_data_reads(written_by_detectron2(tmp_path / "theirs.npz", found))
    assert set(ours.files) == set(theirs.files) == {"boxes", "segments", "keypoints", "metadata"}
    assert ours["metadata"].item() == theirs["metadata"].item() == {"w": 1280, "h": 720}
    for name in ("boxes", "segments", "keypoints"):
        assert (ours[name].shape, ours[name].dtype) == (theirs[name].shape, theirs[name].dtype)
    for name, shape in (("boxes", (2, 5)), ("keypoints", (2, 4, 17))):
        nobody, somebody = ours[name][1].tolist(), ours[name][0]
        assert nobody == theirs[name][1].tolist() == [[], []]
        assert somebody[0] == []
        assert (somebody[1].dtype, somebody[1].shape) == (np.float32, shape)
        np.testing.assert_array_equal(somebody[1], theirs[name][0][1][::-1])


def test_the_highest_score_of_a_frame_comes_first(tmp_path: Path) -> None:
    boxes = as_prepare_data_reads(write(tmp_path / "f.npz", detections([3])))["boxes"]
    assert boxes[0][1][:, 4].tolist() == pytest.approx([0.95, 0.875, 0.8])


def test_a_missing_keypoint_is_written_at_the_nearest_one_with_probability_0(tmp_path: Path) -> None:
    found = detections([1, 1])
    wrist, elbow = 9, 7
    found.keypoints_px[0, wrist], found.keypoint_scores[0, wrist] = np.nan, 0
    path = write(tmp_path / "f.npz", found)
    x, y, logit, probability = as_prepare_data_reads(path)["keypoints"][0][1][0]
    assert (x[wrist], y[wrist]) == tuple(found.keypoints_px[0, elbow])
    assert (probability[wrist], probability[elbow], logit.any()) == (0, 0.5, False)
    back = read_detectron_file(path).detections
    np.testing.assert_array_equal(back.keypoints_px, found.keypoints_px)
    np.testing.assert_array_equal(back.keypoint_scores, found.keypoint_scores)


def test_someone_without_any_keypoint_is_left_out(tmp_path: Path) -> None:
    found = detections([1, 1])
    found.keypoints_px[0] = np.nan
    assert as_prepare_data_reads(write(tmp_path / "f.npz", found))["boxes"][0].tolist() == [[], []]


def test_equal_detections_give_equal_bytes(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, detections([2, 0])) for name in ("a.npz", "b.npz"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("writer", [write, written_by_detectron2])
def test_everyone_comes_back(tmp_path: Path, writer: Callable[[Path, Detections], Path]) -> None:
    found = detections([2, 0, 1])
    file = read_detectron_file(writer(tmp_path / "clip.mp4.npz", found))
    assert (file.video, file.width_px, file.height_px) == ("clip.mp4", 1280, 720)
    assert file.detections.frame_index.tolist() == found.frame_index.tolist()
    for name in ("boxes_px", "scores", "keypoints_px", "keypoint_scores"):
        theirs, ours = getattr(file.detections, name), getattr(found, name)
        np.testing.assert_allclose(np.sort(theirs, axis=0), np.sort(ours, axis=0), atol=1e-6)


def test_a_file_of_the_older_detectron_is_read_and_scored_by_its_logits(tmp_path: Path) -> None:
    found = detections([2, 0, 1])
    back = read_detectron_file(written_by_detectron(tmp_path / "clip.mp4.npz", found)).detections
    np.testing.assert_array_equal(back.keypoints_px, found.keypoints_px)
    np.testing.assert_array_equal(back.frame_index, found.frame_index)
    np.testing.assert_allclose(back.keypoint_scores, 1 / (1 + np.exp(2 - 6)), rtol=1e-5)


@pytest.mark.parametrize("protocol", [2, 3])
def test_pickles_of_older_numpy_are_read(tmp_path: Path, protocol: int) -> None:
    found = detections([1, 2])
    entries = as_prepare_data_reads(written_by_detectron2(tmp_path / "new.npz", found))
    with zipfile.ZipFile(tmp_path / "old.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in entries.files:
            with archive.open(f"{name}.npy", "w") as stream:
                header = {"descr": "|O", "fortran_order": False, "shape": entries[name].shape}
                np.lib.format.write_array_header_1_0(stream, header)
                content = pickle.dumps(entries[name], protocol)
                stream.write(content.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"))
    back = read_detectron_file(tmp_path / "old.npz").detections
    np.testing.assert_array_equal(back.keypoints_px, found.keypoints_px)


def test_a_video_without_anybody_is_read(tmp_path: Path) -> None:
    """Old NumPy made an array of numbers without any of [[[], []], ...]."""
    empty = np.zeros((4, 2, 0))
    file = read_detectron_file(foreign(tmp_path / "f.npz", empty, empty))
    assert (len(file.detections), file.detections.frame_stop) == (0, 4)
    loaded = load_keypoints(tmp_path / "f.npz", fps=30)
    assert len(loaded.tracks) == 0
    assert "nobody" in loaded.warnings[0]


def test_people_of_a_detectron_file_are_followed(tmp_path: Path) -> None:
    found = detections([2] * 40)
    loaded = load_keypoints(write(tmp_path / "clip.mp4.npz", found), fps=25)
    assert loaded.warnings == ()
    assert (loaded.tracks.video, loaded.tracks.track_ids.tolist()) == ("clip.mp4", [1, 2])
    assert loaded.tracks.frame_times_s[1] == pytest.approx(0.04)
    rows = loaded.tracks.rows(0)
    nose = 0  # the sides of people at random may be taken for swapped
    np.testing.assert_allclose(loaded.tracks.keypoints_px[rows][:, nose], found.keypoints_px[1::2, nose], atol=1e-3)


def test_a_detectron_file_has_no_times_and_no_subjects(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4.npz", detections([1] * 20))
    loaded = load_keypoints(path)
    assert loaded.native_rate
    assert "native rate" in loaded.warnings[0]
    assert loaded.tracks.frame_times_s[1] == pytest.approx(0.02)
    with pytest.raises(UsageError, match="only a custom dataset has subjects"):
        load_keypoints(path, subject="clip.mp4")


BOX, POINTS = np.ones((1, 5), np.float32), np.ones((1, 4, 17), np.float32)


def test_files_with_more_keypoints_keep_feet_and_hands(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.uniform(100, 400, (2, 3, 4, 133)).astype(np.float32)
    rows[:, :, 2], rows[:, :, 3] = 0, 0.5
    rows[0, 1, 3, 19] = 0
    boxes = np.tile(np.array([100, 100, 400, 400, 0.9], np.float32), (3, 1))
    path = foreign(
        tmp_path / "f.npz", cells([[[], boxes], [[], []], [[], boxes]]), cells([[[], rows[0]], [[], []], [[], rows[1]]])
    )
    found = read_detectron_file(path).detections
    heel, pinky = HALPE26_HANDS.indices("left_heel", "right_pinky")
    assert found.skeleton is HALPE26_HANDS
    np.testing.assert_array_equal(found.people(2).keypoints_px[:, heel], rows[1, :, :2, 19])
    np.testing.assert_array_equal(found.people(0).keypoints_px[:, pinky], rows[0, :, :2, 129])
    np.testing.assert_array_equal(found.people(0).coco17.keypoints_px, rows[0, :, :2, :17].transpose(0, 2, 1))
    assert found.people(0).keypoint_scores[:, heel].tolist() == [0.5, 0, 0.5]
    assert np.isnan(found.people(0).keypoints_px[1, heel]).all()


def test_people_with_different_keypoints_in_one_file_are_refused(tmp_path: Path) -> None:
    boxes, points = cells([[[], BOX], [[], BOX]]), cells([[[], POINTS], [[], np.ones((1, 4, 26), np.float32)]])
    with pytest.raises(InvalidInputError, match="some people have 17 keypoints, others 26"):
        read_detectron_file(foreign(tmp_path / "f.npz", boxes, points))


@pytest.mark.parametrize(
    ("boxes", "keypoints", "metadata", "reason"),
    [
        (cells([[[], BOX]]), cells([[[], POINTS]] * 2), None, "not of the same frames"),
        (cells([[[], BOX]]), cells([[[], np.ones((2, 4, 17))]]), None, "1 boxes, but keypoints of 2 people"),
        (cells([[[], BOX]]), cells([[[], np.ones((1, 4, 16))]]), None, r"frame 1 is broken .*\(1, 4, 16\)"),
        (cells([[[], BOX[:, :4]]]), cells([[[], POINTS]]), None, "frame 1 is broken"),
        (cells([[[], "people"]]), cells([[[], POINTS]]), None, "frame 1 is broken"),
        (np.array([7], object), np.array([7], object), None, "frame 1 is broken .no entry for people"),
        (cells([[[], BOX]]), cells([[[], POINTS]]), {"w": 640}, "no width and height"),
        (cells([[[], BOX]]), cells([[[], POINTS]]), {"w": 0, "h": 5}, "0x5 pixels"),
        (cells([[[], BOX]]), cells([[[], POINTS]]), {"w": float("inf"), "h": 5}, "no width and height"),
        (np.zeros((0, 2)), np.zeros((0, 2)), None, "not of the same frames"),
    ],
)
def test_a_broken_file_says_why(boxes: Any, keypoints: Any, metadata: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read_detectron_file(foreign(tmp_path / "f.npz", boxes, keypoints, metadata))


@pytest.mark.parametrize("of", ["boxes", "keypoints"])
def test_people_far_from_the_picture_are_refused(of: str, tmp_path: Path) -> None:
    found = detections([2, 1])
    far = replace(found, **{f"{of}_px": np.where(getattr(found, f"{of}_px") > 20, 1e38, 3).astype(np.float32)})
    with pytest.raises(InvalidInputError, match=r"f\.npz: 1e\+38 is no place in or near a picture of 1280x720 pixels"):
        load_keypoints(write(tmp_path / "f.npz", far), fps=30)


def test_another_npz_is_no_detectron_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", boxes=np.zeros(3))
    with pytest.raises(InvalidInputError, match="no Detectron file"):
        read_detectron_file(tmp_path / "f.npz")


class Touches:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("hacked"),)


def test_a_file_that_asks_for_more_than_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    foreign(tmp_path / "f.npz", cells([[[], Touches()]]), cells([[[], POINTS]]))
    with pytest.raises(UnsafePickleError):
        load_keypoints(tmp_path / "f.npz")
    assert not (tmp_path / "hacked").exists()
