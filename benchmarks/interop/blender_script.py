"""Runs inside Blender: import a file, print where every armature's joints are, at rest and in some frames, as JSON.

`blender --background --factory-startup --python blender_script.py -- FILE RATE FRAME...`; none of our code is there.
"""

import builtins
import json
import sys
from typing import Any

import bpy


def _import(path: str) -> None:
    if path.endswith(".bvh"):
        from io_anim_bvh import import_bvh

        # Debian's Blender 3.4 opens BVH in a mode that its Python 3.11 no longer knows.
        import_bvh.open = lambda file, mode="r": builtins.open(file, mode.replace("U", ""))  # noqa: PTH123, SIM115
        bpy.ops.import_anim.bvh(filepath=path, global_scale=0.01, use_fps_scale=False)
    else:
        bpy.ops.import_scene.gltf(filepath=path)


def main(path: str, rate: float, frames: list[int]) -> None:
    """Print one line that begins with RESULT."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = round(rate), round(rate) / rate
    _import(path)
    first = 1 if path.endswith(".bvh") else 0
    armatures = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
    told: dict[str, dict[str, Any]] = {
        thing.name: {"rest": {bone.name: list(thing.matrix_world @ bone.head_local) for bone in thing.data.bones}}
        for thing in armatures
    }
    for frame in frames:
        scene.frame_set(first + frame)
        for thing in armatures:
            heads = {bone.name: list(thing.matrix_world @ bone.head) for bone in thing.pose.bones}
            told[thing.name].setdefault("frames", []).append(heads)
    sys.stdout.write(f"RESULT {json.dumps({'version': bpy.app.version_string, 'armatures': told})}\n")


_GIVEN = sys.argv[sys.argv.index("--") + 1 :]
main(_GIVEN[0], float(_GIVEN[1]), [int(frame) for frame in _GIVEN[2:]])
