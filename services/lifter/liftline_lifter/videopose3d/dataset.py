"""VideoPose3D's custom 2D dataset, `data_2d_custom_<name>.npz`: written for its run.py, read from anyone.

Format (VideoPose3D's `data/prepare_data_2d_custom.py`): two pickled dictionaries, `positions_2d[subject]["custom"][0]`
(T,17,2) float32 pixels, one subject per video, every frame of it; and `metadata` with the keypoints' symmetry and
each subject's width and height. Further people of a video are subjects `<video>#2`, ...: they cover their own frames
only, the first of which is `start_frame` in their metadata, which VideoPose3D doesn't look at. Datasets of others may
hold HALPE_26 (`layout_name` "halpe26") or COCO-WholeBody ("coco_wholebody") instead of COCO's keypoints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidInputError
from liftline.files import pickles
from liftline.skeletons import COCO17, Skeleton
from liftline.tracks import Tracks
from liftline_lifter.videopose3d._layouts import BY_NAME, COCO, LAYOUTS, Layout

ACTION = "custom"
ENTRIES = frozenset({"positions_2d", "metadata"})
_OTHER_PERSON = re.compile(r"(?P<video>.+)#(?P<number>\d+)")
_REPAIR = "make it with VideoPose3D's prepare_data_2d_custom.py or with 'liftline detect'"


@dataclass(frozen=True)
class CustomSubject:
    """One subject of a custom dataset: keypoints_px (T,J,2) float32 from frame `start_frame` of its video on."""

    name: str
    width_px: int
    height_px: int
    keypoints_px: NDArray[np.float32]
    start_frame: int = 0
    skeleton: Skeleton = COCO17

    @property
    def video(self) -> str:
        """The video's file name: the subject's without `#2`."""
        match = _OTHER_PERSON.fullmatch(self.name)
        return match["video"] if match else self.name


def write_custom_dataset(path: Path, tracks: Tracks) -> None:
    """Write tracks for VideoPose3D: COCO's keypoints alone. Without anybody in the video there are no subjects.

    Raises:
        OutputError: the file can't be written.
    """
    positions, videos = {}, {}
    for subject in subjects_of(tracks):
        positions[subject.name] = {ACTION: [subject.keypoints_px]}
        videos[subject.name] = {"w": subject.width_px, "h": subject.height_px}
        if subject.name != tracks.video:
            videos[subject.name]["start_frame"] = subject.start_frame
    metadata = {
        "layout_name": "coco",
        "num_joints": len(COCO17),
        "keypoints_symmetry": [list(COCO17.left), list(COCO17.right)],
        "video_metadata": videos,
    }
    single = pickles.ObjectArray.single
    pickles.save_npz(path, {"positions_2d": single(positions), "metadata": single(metadata)})


def subjects_of(tracks: Tracks) -> list[CustomSubject]:
    """Everyone as subjects; the most prominent person covers every frame of the video, held before and after."""
    subjects = []
    for position in range(len(tracks)):
        at = tracks.rows(position)
        name, start = f"{tracks.video}#{position + 1}", int(tracks.frame_index[at.start])
        keypoints = np.ascontiguousarray(tracks.keypoints_px[at, : len(COCO17)])
        if position == 0:
            after = len(tracks.frame_times_s) - start - len(keypoints)
            keypoints = np.pad(keypoints, ((start, after), (0, 0), (0, 0)), mode="edge")
            name, start = tracks.video, 0
        subjects.append(CustomSubject(name, tracks.width_px, tracks.height_px, keypoints, start))
    return subjects


def read_custom_dataset(path: Path) -> list[CustomSubject]:
    """Read anyone's custom dataset. Nothing in the file is executed.

    Raises:
        InvalidInputError: not such a file, or a broken one.
        UnsafePickleError: it holds more than plain data.
    """
    entries = pickles.load_npz(path, entries=ENTRIES)
    if entries.keys() != ENTRIES:
        raise InvalidInputError(
            f"{path}: no VideoPose3D dataset (it has {sorted(entries) or 'no entries'}); {_REPAIR}."
        )
    positions, metadata = (_dictionary(entries[key], key, path) for key in ("positions_2d", "metadata"))
    name = metadata.get("layout_name", COCO.name)
    layout = BY_NAME.get(name) if isinstance(name, str) else None
    if layout is None:
        known = ", ".join(f"'{layout.name}' ({layout.count})" for layout in LAYOUTS)
        raise InvalidInputError(f"{path}: its keypoints are '{name}', Liftline lifts those of {known}; {_REPAIR}.")
    sizes = _dictionary(metadata.get("video_metadata"), "video_metadata", path)
    subjects = [_subject(str(name), actions, sizes.get(name), layout, path) for name, actions in positions.items()]
    if not subjects:
        raise InvalidInputError(f"{path}: the dataset has no subjects, so there is nothing to lift.")
    return subjects


def _subject(name: str, actions: object, size: object, layout: Layout, path: Path) -> CustomSubject:
    cameras = _dictionary(actions, f"subject '{name}'", path).get(ACTION)
    if not isinstance(cameras, (list, tuple, np.ndarray)) or not len(cameras):
        raise InvalidInputError(f"{path}: subject '{name}' has no action '{ACTION}'; {_REPAIR}.")
    facts = _dictionary(size, f"video_metadata of '{name}'", path)
    try:
        keypoints = np.asarray(cameras[0], np.float32)
        width, height, start = (int(facts.get(key, 0)) for key in ("w", "h", "start_frame"))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(f"{path}: subject '{name}' holds no numbers ({error}); {_REPAIR}.") from error
    if keypoints.ndim != 3 or keypoints.shape[1] != layout.count or keypoints.shape[2] < 2 or not len(keypoints):
        raise InvalidInputError(
            f"{path}: subject '{name}' has keypoints of shape {keypoints.shape}, expected (frames, {layout.count}, 2) "
            f"as its layout is '{layout.name}'; {_REPAIR}."
        )
    if width < 1 or height < 1 or start < 0:
        raise InvalidInputError(f"{path}: subject '{name}' has no valid width and height; {_REPAIR}.")
    ours = layout.keypoints(keypoints[..., :2]).astype(np.float32, copy=False)
    return CustomSubject(name, width, height, ours, start, layout.skeleton)


def _dictionary(value: object, what: str, path: Path) -> Mapping[Any, Any]:
    if isinstance(value, np.ndarray) and value.dtype.hasobject and value.ndim == 0:
        value = value.item()
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{path}: {what} is {type(value).__name__}, expected a dictionary; {_REPAIR}.")
    return value
