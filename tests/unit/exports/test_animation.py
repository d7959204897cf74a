"""Animation files, read by other people's readers, hold the skeleton and the motion that were solved."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liftline.exports import export
from liftline.exports.animation._capsules import capsule_body
from liftline.exports.animation.bvh import BVH_PROFILES
from liftline.exports.animation.motions import motions
from liftline.exports.options import BvhProfile, ExportOptions
from liftline.kinematics.rig import JOINTS, PARENTS, Motion
from liftline.kinematics.turns import angles_between, matrices, quaternions
from liftline.poses import Poses
from tests.unit.kinematics.bodies import LEVEL, poses_of
from tests.unit.kinematics.walking import walking


@pytest.fixture
def walkers() -> Poses:
    return poses_of(walking(60, 17), walking(40, 17) + np.array([1, 0, 0]))


def first_motion(poses: Poses) -> Motion:
    return next(motions(poses, LEVEL))[1]


def bvh(poses: Poses, folder: Path, profile: BvhProfile = "humanik") -> tuple[Path, Any]:
    pybvh = pytest.importorskip("pybvh", reason="pybvh reads BVH")
    path, *_ = export(poses, LEVEL, folder / "clip.npz", ["bvh"], ExportOptions(bvh_profile=profile))
    return path, pybvh.read_bvh_file(path)


def test_each_person_has_a_bvh(walkers: Poses, tmp_path: Path) -> None:
    paths = export(walkers, LEVEL, tmp_path / "clip.npz", ["bvh"])
    assert [path.name for path in paths] == ["clip.bvh", "clip#2.bvh"]


def test_a_reader_of_bvh_finds_the_joints_where_they_are(walkers: Poses, tmp_path: Path) -> None:
    _, read = bvh(walkers, tmp_path)
    motion = first_motion(walkers)
    order = [read.joint_names.index(BVH_PROFILES["humanik"].names[joint]) for joint in JOINTS]
    np.testing.assert_allclose(read.joint_positions()[:, order] / 100, motion.placed()[0], atol=1e-4)
    assert read.frame_time == pytest.approx(1 / 30, abs=1e-7)


def test_bvh_euler_angles_jump_no_more_than_30_degrees_beyond_the_rotation(walkers: Poses, tmp_path: Path) -> None:
    path, _ = bvh(walkers, tmp_path)
    rows = np.loadtxt(path.read_text().split("Frame Time")[1].splitlines()[1:])
    angles = rows[:, 3:].reshape(len(rows), -1, 3)
    turns = quaternions(matrices(first_motion(walkers).rotations))
    most = angles_between(turns[1:], turns[:-1]).max()
    assert np.abs(np.diff(angles, axis=0)).max() < 30 + most


@pytest.mark.parametrize(
    ("profile", "name"), [("humanik", "LeftToeBase"), ("mixamo", "mixamorig:LeftToeBase"), ("lafan", "LeftToe")]
)
def test_profiles_have_their_names(profile: BvhProfile, name: str, walkers: Poses, tmp_path: Path) -> None:
    _, read = bvh(walkers, tmp_path, profile)
    assert name in read.joint_names
    assert len(read.joint_names) == 22


def test_lafan_is_as_simple_parsers_expect(tmp_path: Path) -> None:
    path, read = bvh(poses_of(walking(120, 17, rate_hz=60.0), rate_hz=60.0), tmp_path, "lafan")
    assert read.frame_time == pytest.approx(1 / 30, abs=1e-7)
    assert len(read.joint_positions()) == 60
    text = path.read_text()
    assert all(re.fullmatch(r"\w+", name) for name in re.findall(r"(?:JOINT|ROOT) (.*)", text))
    assert {line.split(maxsplit=2)[2] for line in re.findall(r"CHANNELS 3 .*", text)} == {
        "Zrotation Xrotation Yrotation"
    }
    assert "  " not in text.split("Frame Time")[1]


def glb(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """JSON and arrays, by pygltflib where it is a .glb it can load."""
    pygltflib = pytest.importorskip("pygltflib", reason="pygltflib reads glTF")
    file = pygltflib.GLTF2.load_binary(str(path))
    blob = file.binary_blob()
    content = json.loads(path.read_bytes()[20 : 20 + struct.unpack_from("<I", path.read_bytes(), 12)[0]])
    sizes = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}
    kinds = {5126: np.float32, 5125: np.uint32, 5121: np.uint8}
    arrays = []
    for accessor in file.accessors:
        view, width = file.bufferViews[accessor.bufferView], sizes[accessor.type]
        values = np.frombuffer(blob, kinds[accessor.componentType], accessor.count * width, view.byteOffset)
        arrays.append(values.reshape(-1, width))
    return content, arrays


def placed_by_gltf(content: dict[str, Any], arrays: list[np.ndarray], hips: int, frame: int) -> np.ndarray:
    """(J,3) of the skeleton below the hips' node, by the rules of glTF, in the order of nodes."""
    own = {
        (channel["target"]["node"], channel["target"]["path"]): arrays[
            content["animations"][0]["samplers"][channel["sampler"]]["output"]
        ]
        for channel in content["animations"][0]["channels"]
    }
    out = np.zeros((len(JOINTS), 3))
    turns = np.zeros((len(JOINTS), 3, 3))
    for joint, parent in enumerate(PARENTS):
        node = hips + joint
        turn = matrices(own[node, "rotation"][frame, [3, 0, 1, 2]].astype(float))
        if parent < 0:
            out[joint], turns[joint] = own[node, "translation"][frame], turn
        else:
            out[joint] = out[parent] + turns[parent] @ content["nodes"][node]["translation"]
            turns[joint] = turns[parent] @ turn
    return out


def test_a_reader_of_gltf_finds_everyone_where_they_are(walkers: Poses, tmp_path: Path) -> None:
    (path,) = export(walkers, LEVEL, tmp_path / "clip.npz", ["glb"])
    content, arrays = glb(path)
    for skin, (_, motion) in zip(content["skins"], motions(walkers, LEVEL), strict=True):
        for frame in (0, 17, 39):
            found = placed_by_gltf(content, arrays, skin["joints"][0], frame)
            np.testing.assert_allclose(found, motion.placed()[0][frame], atol=1e-5)


def test_who_leaves_before_the_end_vanishes_then(walkers: Poses, tmp_path: Path) -> None:
    (path,) = export(walkers, LEVEL, tmp_path / "clip.npz", ["glb"])
    content, arrays = glb(path)
    (animation,) = content["animations"]
    scales = [channel for channel in animation["channels"] if channel["target"]["path"] == "scale"]
    assert [content["nodes"][one["target"]["node"]]["name"] for one in scales] == ["person_2"]
    sampler = animation["samplers"][scales[0]["sampler"]]
    assert sampler["interpolation"] == "STEP"
    np.testing.assert_allclose(arrays[sampler["input"]].ravel(), [0, 39 / 30], atol=1e-6)
    np.testing.assert_array_equal(arrays[sampler["output"]][:, 0], [1, 0])


def test_quaternions_in_gltf_have_length_one_and_no_sign_changes(walkers: Poses, tmp_path: Path) -> None:
    (path,) = export(walkers, LEVEL, tmp_path / "clip.npz", ["glb"])
    content, arrays = glb(path)
    for channel in content["animations"][0]["channels"]:
        if channel["target"]["path"] == "rotation":
            values = arrays[content["animations"][0]["samplers"][channel["sampler"]]["output"]]
            np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-6)
            assert ((values[1:] * values[:-1]).sum(axis=1) > 0).all()


def test_the_body_encloses_the_bones_and_faces_outward() -> None:
    rig = first_motion(poses_of(walking(10, 17))).rig
    body = capsule_body(rig)
    corners = body.positions_m[body.triangles.reshape(-1, 3)]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = body.normals[body.triangles.reshape(-1, 3)].sum(axis=1)
    assert ((faces * outward).sum(axis=1) > 0).all()
    assert body.positions_m[:, 1].min() > -0.1
    assert body.positions_m[:, 1].max() == pytest.approx(rig.joints_m[0, 1] + 0.83, abs=0.1)


def test_vrma_names_every_bone_that_vrm_requires(walkers: Poses, tmp_path: Path) -> None:
    path, _ = export(walkers, LEVEL, tmp_path / "clip.npz", ["vrma"])
    content, arrays = glb(path)
    extension = content["extensions"]["VRMC_vrm_animation"]
    assert (extension["specVersion"], content["extensionsUsed"]) == ("1.0", ["VRMC_vrm_animation"])
    bones = extension["humanoid"]["humanBones"]
    sided = ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
    assert set(bones) >= {"hips", "spine", "head", *(side + part for side in ("left", "right") for part in sided)}
    found = placed_by_gltf(content, arrays, bones["hips"]["node"], 5)
    np.testing.assert_allclose(found, first_motion(walkers).placed()[0][5], atol=1e-5)
