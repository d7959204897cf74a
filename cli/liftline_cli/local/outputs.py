"""Where everything of one video lies in its output folder. Work files are in `<output>/.liftline/<video>/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liftline.errors import UsageError
from liftline.files.output_tree import MANIFEST, WORK_FOLDER, OutputTree, check_video_name


@dataclass(frozen=True)
class OutputPaths:
    """The files that one video leaves in one output folder."""

    video: Path
    root: Path

    @property
    def tree(self) -> OutputTree:
        """Where each file lies below the root."""
        return OutputTree(self.video.name)

    @property
    def tracks(self) -> Path:
        """Ids, times, scores and masks."""
        return self.root / self.tree.tracks

    @property
    def custom_dataset(self) -> Path:
        """VideoPose3D's own format."""
        return self.root / self.tree.custom_dataset

    @property
    def keypoints(self) -> Path:
        """Folder of one JSON file per frame."""
        return self.root / self.tree.keypoints

    @property
    def detectron_file(self) -> Path:
        """What VideoPose3D's `prepare_data_2d_custom.py` reads."""
        return self.root / self.tree.detectron_file

    @property
    def poses(self) -> Path:
        """3D poses."""
        return self.root / self.tree.poses

    @property
    def scene(self) -> Path:
        """Floor, extent, focal length."""
        return self.root / self.tree.scene

    @property
    def rendered(self) -> Path:
        """The drawn video."""
        return self.root / self.tree.rendered

    @property
    def manifest(self) -> Path:
        """There only when everything is complete."""
        return self.root / MANIFEST

    @property
    def work(self) -> Path:
        """Folder of intermediate files."""
        return self.root / WORK_FOLDER / self.video.name

    def check(self) -> None:
        """Raise LiftlineError where the results can't be named or would replace the video itself."""
        check_video_name(self.video.name)
        if self.rendered.exists() and self.rendered.samefile(self.video):
            raise UsageError(f"{self.video}: would be overwritten by its own result; choose another --output-dir.")

    def existing(self) -> dict[str, Path]:
        """The result files a person wants to know of, by what they are."""
        candidates = {
            "video": self.rendered,
            "poses": self.poses,
            "tracks": self.tracks,
            "custom dataset": self.custom_dataset,
            "keypoints": self.keypoints,
            "detectron file": self.detectron_file,
        }
        return {name: path for name, path in candidates.items() if path.exists()}
