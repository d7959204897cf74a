"""Exports of one video, read by others' programs: `python -m benchmarks.interop POSES.npz` (`make interop` gets them).

Blender imports BVH and GLB: joints in ten frames against the solved motion, the rest pose against a T-pose. Khronos'
validator reads GLB and VRMA. Each check says what it found; what isn't installed is unmeasured, and said to be. The
exit code is 1 where a check fails. OpenSim's check is `liftline kinematics`, those of Python's readers are in
`tests/unit/exports`; `make interop` runs them all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import REPOSITORY, print_table, save_results
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline.errors import LiftlineError
from liftline.exports import export
from liftline.exports.animation.bvh import BVH_PROFILES
from liftline.kinematics.person import people
from liftline.kinematics.rig import JOINTS, Motion
from liftline.kinematics.solving import solve
from liftline.poses import Poses
from liftline.scene import Scene

JOINTS_MM, T_POSE_DEG, FRAMES = 5.0, 0.1, 10
_SCRIPT = Path(__file__).with_name("blender_script.py")
_VALIDATOR = REPOSITORY / ".interop" / "npm" / "node_modules" / "gltf-validator"
_NUMPY = REPOSITORY / ".interop" / "numpy"
_VALIDATE = """
const validator = require(process.argv[1]), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[2])))
  .then(report => console.log(JSON.stringify(report.issues)));
"""
_STRAIGHT = (
    ("Spine", "Spine1", (0, 1, 0)), ("Spine1", "Spine2", (0, 1, 0)), ("Spine2", "Neck", (0, 1, 0)),
    *(
        (f"{side}{start}", f"{side}{end}", direction)
        for side, x in (("Left", 1), ("Right", -1))
        for start, end, direction in (
            ("Arm", "ForeArm", (x, 0, 0)), ("ForeArm", "Hand", (x, 0, 0)), ("UpLeg", "Leg", (0, -1, 0)),
            ("Leg", "Foot", (0, -1, 0)),
        )
    ),
)  # fmt: skip
"""Bones and where they point in a T-pose: y up, looking along z."""
Check = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every check that can be run; 1 where one fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interop", description="See this module.")
    parser.add_argument("poses", type=Path, help="poses of a video, beside their .scene.json")
    path = parser.parse_args(arguments).poses
    poses, scene = poses_file.load(path), scene_file.load(path.with_suffix(".scene.json"))
    with TemporaryDirectory(prefix="liftline-interop-") as name:
        files = export(poses, scene, Path(name) / "clip.npz", ["bvh", "glb", "vrma"])
        checks = [_in_blender(file, poses, scene) for file in files if file.name in ("clip.bvh", "clip.glb")]
        checks += [_validated(file) for file in files if file.suffix in (".glb", ".vrma")]
    print_table(
        "Read by others", [{"check": one["check"], "found": one["found"], "": one["verdict"]} for one in checks]
    )
    save_results("interop", {"checks": checks})
    return int(any(one["verdict"] == "FAILED" for one in checks))


def _check(what: str, found: str, good: bool | None) -> Check:
    return {"check": what, "found": found, "verdict": "unmeasured" if good is None else "ok" if good else "FAILED"}


def _in_blender(file: Path, poses: Poses, scene: Scene) -> Check:
    what = f"Blender imports {file.suffix}"
    blender = shutil.which("blender")
    if blender is None:
        return _check(what, "Blender isn't installed", None)
    persons = [(person, solve(person)) for person in people(poses, scene) if len(person)]
    rate_hz = persons[0][0].rate_hz
    frames = np.linspace(0, len(persons[0][1]) - 1, FRAMES).astype(int).tolist()
    command = [blender, "--background", "--factory-startup", "--python-use-system-env", "--python", str(_SCRIPT)]
    command += ["--", str(file), f"{rate_hz:.6f}", *map(str, frames)]
    # Blender's reader of glTF needs numpy, which Debian's Blender only suggests.
    environment = os.environ | {"PYTHONPATH": str(_NUMPY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        return _check(what, (done.stderr or done.stdout).strip()[-200:], False)
    told = json.loads(lines[0].removeprefix("RESULT "))["armatures"]
    if file.suffix == ".bvh":
        pairs = [(persons[0][1], next(iter(told.values())), "")]
    else:
        pairs = [(motion, told[f"person_{one.track_id}"], f"person_{one.track_id}:") for one, motion in persons]
    off_mm = max(_joints_off_mm(motion, armature, prefix, frames) for motion, armature, prefix in pairs)
    t_pose_deg = max(_t_pose_off_deg(armature["rest"], prefix) for _, armature, prefix in pairs)
    found = f"{len(pairs)} people, joints within {off_mm:.3f} mm, T-pose within {t_pose_deg:.4f} degrees"
    return _check(what, found, off_mm <= JOINTS_MM and t_pose_deg <= T_POSE_DEG)


def _joints_off_mm(motion: Motion, armature: dict[str, Any], prefix: str, frames: Sequence[int]) -> float:
    names = [prefix + BVH_PROFILES["humanik"].names[joint] for joint in JOINTS]
    found = np.array([[heads[name] for name in names] for heads in armature["frames"]])
    inside = [i for i, frame in enumerate(frames) if frame < len(motion)]
    wanted = motion.placed()[0][[frames[i] for i in inside]]
    return float(1000 * np.linalg.norm(_to_y_up(found[inside]) - wanted, axis=-1).max())


def _t_pose_off_deg(rest: dict[str, Sequence[float]], prefix: str) -> float:
    at = {name.removeprefix(prefix): _to_y_up(np.array(place)) for name, place in rest.items()}
    bones = [(at[end] - at[start], direction) for start, end, direction in _STRAIGHT]
    return max(float(np.degrees(np.arccos(np.clip(bone @ to / np.linalg.norm(bone), -1, 1)))) for bone, to in bones)


def _to_y_up(blender_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...,3) Blender's z up -> y up."""
    return np.asarray(blender_m[..., [0, 2, 1]] * [1.0, 1.0, -1.0])


def _validated(file: Path) -> Check:
    what, node = f"Khronos' validator reads {file.name}", shutil.which("node")
    if node is None or not _VALIDATOR.exists():
        return _check(what, "node or gltf-validator isn't installed", None)
    command = [node, "-e", _VALIDATE, str(_VALIDATOR), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        return _check(what, done.stderr.strip()[-200:], False)
    issues = json.loads(done.stdout)
    found = f"{issues['numErrors']} errors, {issues['numWarnings']} warnings, {issues['numInfos']} notes"
    return _check(what, found, not issues["numErrors"] and not issues["numWarnings"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LiftlineError as error:
        sys.exit(str(error))
