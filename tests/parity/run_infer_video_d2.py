"""Run VideoPose3D's infer_video_d2.py, unchanged, with a stand-in for Detectron2: `SCRIPT TOLD.npz VIDEO`.

The stand-in finds in every frame what TOLD.npz says. Needs NumPy before 1.24 and nothing else.
"""

import runpy
import subprocess
import sys
import types

import numpy as np

SIZE = 1280, 720


class Held:
    """An array where Detectron2 has a tensor."""

    def __init__(self, values):
        self.values = self.tensor = values

    def numpy(self):
        return self.values


class Told(Held):
    """Boxes: `pred_boxes.tensor.numpy()`."""

    @property
    def tensor(self):
        return Held(self.values)

    @tensor.setter
    def tensor(self, _):
        pass


class Instances:
    """What Detectron2 calls the people of a frame."""

    def __init__(self, told, frame):
        rows = told["frame_index"] == frame
        self.pred_boxes, self.scores = Told(told["boxes_px"][rows]), Held(told["scores"][rows])
        points = [told["keypoints_px"][rows], told["keypoint_scores"][rows][..., None]]
        self.pred_keypoints = Held(np.concatenate(points, axis=2))

    def to(self, _):
        return self

    def has(self, _):
        return True


class DefaultPredictor:
    """Finds what it was told, frame after frame."""

    def __init__(self, _):
        self.frame = -1

    def __call__(self, _):
        self.frame += 1
        return {"instances": Instances(TOLD, self.frame)}


class FakeProcess:
    """What ffprobe and ffmpeg would print: the size, then so many black frames."""

    def __init__(self, command, **_):
        width, height = SIZE
        frame = bytes(width * height * 3)
        self.stdout = iter([f"{width},{height}\n".encode()]) if command[0] == "ffprobe" else Frames(frame)


class Frames:
    """A pipe of raw frames."""

    def __init__(self, frame):
        self.left = [frame] * int(TOLD["frames"])

    def read(self, _):
        return self.left.pop() if self.left else b""


def stand_in(name, **contents):
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    sys.modules[name] = module
    return module


def configuration():
    holder = types.SimpleNamespace
    return holder(MODEL=holder(ROI_HEADS=holder(SCORE_THRESH_TEST=0.0), WEIGHTS=""), merge_from_file=lambda _: None)


script, told, video = sys.argv[1:]
TOLD = np.load(told)
zoo = stand_in("detectron2.model_zoo", get_config_file=lambda _: "", get_checkpoint_url=lambda _: "")
stand_in("detectron2", model_zoo=zoo)
stand_in("detectron2.utils")
stand_in("detectron2.utils.logger", setup_logger=lambda: None)
stand_in("detectron2.config", get_cfg=configuration)
stand_in("detectron2.engine", DefaultPredictor=DefaultPredictor)
subprocess.Popen = FakeProcess
sys.argv = [script, "--output-dir", ".", video]
runpy.run_path(script, run_name="__main__")
