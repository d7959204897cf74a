"""Where everything of one video lies in the output tree, in a folder or a bucket (docs/architecture.md, section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from liftline.errors import InvalidInputError
from liftline.files.store_keys import check_key

MANIFEST = "manifest.json"
"""Written last: the tree is complete where it exists."""
WORK_FOLDER = ".liftline"
"""Of a local output folder: finished work and unfinished files; also what tells it from a folder of videos."""


@dataclass(frozen=True)
class OutputTree:
    """Paths relative to the tree's root, for a video of this file name."""

    video: str

    @property
    def _stem(self) -> str:
        return PurePosixPath(self.video).stem

    @property
    def tracks(self) -> str:
        """2D tracks (`liftline.tracks`)."""
        return f"custom_data/tracks_{self._stem}.npz"

    @property
    def custom_dataset(self) -> str:
        """2D tracks as VideoPose3D's custom dataset."""
        return f"custom_data/data_2d_custom_{self._stem}.npz"

    @property
    def keypoints(self) -> str:
        """Folder of one JSON file per frame."""
        return "detectron_output"

    @property
    def keypoint_lines(self) -> str:
        """The same in a bucket: one line per frame. `download` makes the files of it."""
        return "detectron_output/keypoints.jsonl.gz"

    @property
    def detectron_file(self) -> str:
        """What VideoPose3D's `prepare_data_2d_custom.py` reads."""
        return f"detectron_output/{self.video}.npz"

    @property
    def poses(self) -> str:
        """3D poses (`liftline.poses`)."""
        return f"poses_3d/{self._stem}.npz"

    @property
    def scene(self) -> str:
        """The scene (`liftline.scene`): floor, extent, focal length."""
        return f"poses_3d/{self._stem}.scene.json"

    @property
    def rendered(self) -> str:
        """The rendered video."""
        return f"output_videos/{self._stem}.mp4"


def check_video_name(file_name: str) -> None:
    """Raise InvalidInputError for a video that results can't be named after."""
    try:
        file_name.encode()
        check_key(file_name)
    except ValueError as error:
        shown = file_name.encode(errors="replace").decode()
        reason = "isn't UTF-8" if isinstance(error, UnicodeEncodeError) else "has control characters"
        raise InvalidInputError(f"{shown}: its name {reason}, so results can't name it; rename it.") from error
