"""The benchmarks measure what they say: references are read right, people matched right, long videos are whole."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.crowd import crowd, empty_room
from benchmarks.ground_truth.matching import Reference, errors, match_people
from benchmarks.ground_truth.reference import MARKER_OF_JOINT, CalibratedCamera, load_cameras, load_limbs
from benchmarks.measuring.processes import run_python
from benchmarks.measuring.videos import looped
from liftline.errors import InvalidInputError, LiftlineError
from liftline.plan import Plan
from liftline.poses import Poses
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import H36M17, LIMB_JOINTS
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_demo.mannequin.clip import WALK, Clip, render_clip
from liftline_demo.mannequin.gait import pose_at
from liftline_demo.mannequin.truth import h36m_joints, truth_of
from liftline_demo.mannequin.view import View
from liftline_lifter.stage import TrackSettings, track_people

FRAMES = 12
VIEW = View.of_the_walk(640, 480)
CAMERA = CalibratedCamera(
    "cam",
    640,
    480,
    np.array([[VIEW.camera.focal_px, 0, 320], [0, VIEW.camera.focal_px, 240], [0, 0, 1.0]]),
    np.zeros(4),
    VIEW.rotation,
    -VIEW.rotation @ VIEW.position_m,
)


@pytest.fixture(scope="module")
def limbs_m() -> NDArray[np.float64]:
    joints = np.stack([h36m_joints(pose_at(WALK, frame / 10)) for frame in range(FRAMES)])
    return np.asarray(joints[:, H36M17.indices(*LIMB_JOINTS)], np.float64)


@pytest.fixture(scope="module")
def truth() -> Poses:
    return truth_of([pose_at(WALK, frame / 10) for frame in range(FRAMES)], VIEW, rate=Fraction(10), video="w.mp4")


def test_a_trc_is_read_in_world_axes(tmp_path: Path) -> None:
    names = list(MARKER_OF_JOINT.values())
    values = np.arange(2 * len(names) * 3).reshape(2, -1)
    lines = [
        "PathFileType\t4\t(X/Y/Z)\tx.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"60\t60\t2\t{len(names)}\tm",
        "Frame#\tTime\t" + "\t\t\t".join(names),
        "\t\t" + "\t".join(f"{axis}{n + 1}" for n in range(len(names)) for axis in "XYZ"),
        *("\t".join([str(n + 1), str(n / 60), *map(str, row)]) for n, row in enumerate(values)),
    ]
    path = tmp_path / "person.trc"
    path.write_text("\n".join(lines), "utf-8")
    limbs = load_limbs(path)
    assert limbs.shape == (2, 12, 3)
    shoulder = names.index("LShoulder") * 3
    assert limbs[0, LIMB_JOINTS.index("left_shoulder")].tolist() == [shoulder + 2, shoulder, shoulder + 1]
    path.write_text(path.read_text("utf-8").replace("LKnee", "Other"), "utf-8")
    with pytest.raises(InvalidInputError, match="LKnee"):
        load_limbs(path)


@pytest.mark.shared_data
def test_the_shared_reference_projects_into_its_pictures(shared_data: Path) -> None:
    cameras = load_cameras(shared_data / "reference" / "two_people_cameras.toml")
    dancer = load_limbs(shared_data / "reference" / "two_people_person2.trc")
    assert dancer.shape == (100, 12, 3)
    for camera in cameras.values():
        assert Reference.seen_by(camera, dancer).in_view() > 0.95


def test_the_right_person_is_matched_without_error(truth: Poses, limbs_m: NDArray[np.float64]) -> None:
    reference = Reference.seen_by(CAMERA, limbs_m)
    elsewhere = Reference.seen_by(CAMERA, limbs_m + np.array([0.8, 0, 0]))
    found, nobody = match_people(truth, [reference, elsewhere], frames=FRAMES)
    assert found.frames.tolist() == list(range(FRAMES))
    assert found.ids == (1,)
    assert nobody.ids == ()
    off = errors(truth, found, reference)
    assert off.p_mpjpe_mm == pytest.approx(0, abs=0.01)
    assert off.n_mpjpe_mm == pytest.approx(0, abs=0.01)
    assert off.keypoints_px == pytest.approx(0, abs=0.01)


def test_a_person_that_is_elsewhere_is_not_matched(truth: Poses, limbs_m: NDArray[np.float64]) -> None:
    reference = Reference.seen_by(CAMERA, limbs_m + np.array([0.8, 0, 0]))
    (match,) = match_people(truth, [reference], frames=FRAMES)
    assert len(match.frames) == 0
    assert np.isnan(errors(truth, match, reference).p_mpjpe_mm)


def test_frames_without_a_reference_are_not_matched(truth: Poses, limbs_m: NDArray[np.float64]) -> None:
    late = limbs_m.copy()
    late[:2] = np.nan
    reference = Reference.seen_by(CAMERA, late)
    (match,) = match_people(truth, [reference], frames=FRAMES)
    assert match.frames.tolist() == list(range(2, FRAMES))
    assert reference.known.tolist() == [False, False] + [True] * (FRAMES - 2)
    assert match.within(np.array([1, 2, 5])).frames.tolist() == [2, 5]


def test_a_looped_clip_has_every_frame_again_at_an_even_pace(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    render_clip(clip, Clip(frames=10, size_px=(96, 72)))
    plan = _plan(looped(clip, 1.1, tmp_path / "long.mp4"))
    assert plan.frame_count == 30
    np.testing.assert_allclose(np.diff(plan.frame_times_s), 0.04, atol=1e-6)


def test_the_simulated_crowd_is_tracked_as_the_people_it_is_made_of(tmp_path: Path) -> None:
    plan = _plan(looped(empty_room(tmp_path / "room.mp4"), 60, tmp_path / "crowd.mp4"))
    detections = crowd(plan, 6)
    tracks = track_people(
        detections, plan, video="crowd.mp4", settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).tracks
    assert len(detections) == 6 * 360
    assert 6 <= len(tracks) <= 8


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_peak_memory_and_failure_of_a_command_are_noticed() -> None:
    finished = run_python(["-c", "import time; block = bytearray(200_000_000); time.sleep(0.4); print('done')"])
    assert finished.stdout == "done\n"
    assert 200e6 < finished.peak_bytes < 300e6
    with pytest.raises(LiftlineError, match="exit code 3"):
        run_python(["-c", f"import {sys.__name__}; sys.exit(3)"])


def _plan(video: Path) -> Plan:
    return plan_video(local_opener(video), name=video.name, stop=StopFlag())
