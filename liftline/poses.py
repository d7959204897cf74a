"""3D poses of everyone in a video, as rows of one person in one frame each, and the file that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.errors import UsageError
from liftline.files import artifacts
from liftline.ragged import check_grouping, check_shapes, rows_of
from liftline.skeletons import COCO17, H36M17, KEYPOINT_SKELETONS, POSE_SKELETONS, Skeleton, stored_skeleton

ARTIFACT, SCHEMA_VERSION = "poses_3d", 1


@dataclass(frozen=True)
class Poses:
    """3D poses of a whole video of F frames: P people, R rows, one per person and frame; J joints of `skeleton`.

    frame_times_s (F,) seconds; track_ids (P,) most prominent first; the rows of person p are
    row_offsets[p]:row_offsets[p+1] (P+1,). Per row: frame_index (R,); joints_m (R,J,3) relative to the hip, in camera
    space (x right, y down, z forward); root_cam_m (R,3) the hip in camera space; keypoints_px (R,K,2) and
    keypoint_scores (R,K) as in `Tracks`, K joints of `keypoint_skeleton`: the first 17 were lifted, further ones are
    NaN where they were not seen; observed (R,) False where the keypoints were interpolated. focal_px is the focal
    length used for the roots, the principal point is the image's centre.

    Example:
        >>> poses = load(Path("outputs/poses_3d/clip.npz"))  # doctest: +SKIP
        >>> poses = Poses(
        ...     video="clip.mp4", width_px=640, height_px=480, focal_px=680.0, frame_times_s=np.arange(3) / 25,
        ...     track_ids=np.array([1]), row_offsets=np.array([0, 2]), frame_index=np.array([1, 2]),
        ...     joints_m=np.zeros((2, len(H36M17), 3), np.float32), root_cam_m=np.full((2, 3), 4, np.float32),
        ...     keypoints_px=np.zeros((2, len(COCO17), 2), np.float32),
        ...     keypoint_scores=np.ones((2, len(COCO17)), np.float32), observed=np.array([True, True]),
        ... )
        >>> poses.dense(track=1).shape  # frames, joints, metres
        (3, 17, 3)
        >>> joints_cam_m = poses.joints_m + poses.root_cam_m[:, None]
        >>> joints_cam_m[poses.rows(0), H36M17.index["left_wrist"]].tolist()
        [[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]
    """

    video: str
    width_px: int
    height_px: int
    focal_px: float
    frame_times_s: NDArray[np.float64]
    track_ids: NDArray[np.int64]
    row_offsets: NDArray[np.int64]
    frame_index: NDArray[np.int64]
    joints_m: NDArray[np.float32]
    root_cam_m: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    observed: NDArray[np.bool_]
    skeleton: Skeleton = H36M17
    keypoint_skeleton: Skeleton = COCO17

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that don't fit together."""
        rows, keypoints = len(self.frame_index), len(self.keypoint_skeleton)
        want = {
            "row_offsets": (len(self.track_ids) + 1,),
            "joints_m": (rows, len(self.skeleton), 3),
            "root_cam_m": (rows, 3),
            "keypoints_px": (rows, keypoints, 2),
            "keypoint_scores": (rows, keypoints),
            "observed": (rows,),
        }
        check_shapes(self, want)
        check_grouping(self.row_offsets, self.frame_index, len(self.frame_times_s))

    def __len__(self) -> int:
        """Number of people."""
        return len(self.track_ids)

    def rows(self, position: int) -> slice:
        """The rows of the person at this position (0 is the most prominent)."""
        return rows_of(self.row_offsets, position)

    def dense(self, track: int) -> NDArray[np.float32]:
        """(F,J,3) joints of the person with this track id, root-relative metres, NaN in frames without them.

        Raises UsageError where there is no such person.
        """
        found = np.flatnonzero(self.track_ids == track)
        if not len(found):
            raise UsageError(f"{self.video}: no track {track}; there are {self.track_ids.tolist()}.")
        rows = self.rows(int(found[0]))
        out = np.full((len(self.frame_times_s), len(self.skeleton), 3), np.nan, np.float32)
        out[self.frame_index[rows]] = self.joints_m[rows]
        return out


def _arrays(joints: int, keypoints: int) -> dict[str, artifacts.ArrayForm]:
    """Shape and type of every array in a file."""
    return {
        "frame_times_s": ((None,), np.float64),
        "track_ids": ((None,), np.int64),
        "row_offsets": ((None,), np.int64),
        "frame_index": ((None,), np.int64),
        "joints_m": ((None, joints, 3), np.float32),
        "root_cam_m": ((None, 3), np.float32),
        "keypoints_px": ((None, keypoints, 2), np.float32),
        "keypoint_scores": ((None, keypoints), np.float32),
        "observed": ((None,), np.bool_),
    }


def save(path: Path, poses: Poses) -> None:
    """Write poses as a versioned npz."""
    names = _arrays(len(poses.skeleton), len(poses.keypoint_skeleton))
    artifacts.save_npz(
        path,
        artifact=ARTIFACT,
        schema_version=SCHEMA_VERSION,
        arrays={
            **{name: getattr(poses, name) for name in names},
            "skeleton": np.array(poses.skeleton.name),
            "focal_px": np.array(poses.focal_px, np.float64),
        },
        meta={
            "video": poses.video,
            "width_px": poses.width_px,
            "height_px": poses.height_px,
            "keypoint_skeleton": poses.keypoint_skeleton.name,
        },
    )


def load(path: Path) -> Poses:
    """Read poses. Raises InvalidArtifactError: no such file, another kind, version or skeleton, damaged.

    Files that don't say whose keypoints they hold are older and hold COCO's.
    """
    npz = artifacts.load_npz(path, artifact=ARTIFACT, schema_version=SCHEMA_VERSION)
    named = str(npz.arrays["skeleton"]) if "skeleton" in npz.arrays else None
    skeleton = stored_skeleton(named, known=POSE_SKELETONS, file=str(path))
    of_keypoints = npz.meta.get("keypoint_skeleton", COCO17.name)
    keypoint_skeleton = stored_skeleton(of_keypoints, known=KEYPOINT_SKELETONS, file=str(path))
    arrays = artifacts.checked_arrays(npz, _arrays(len(skeleton), len(keypoint_skeleton)), name=str(path))
    with artifacts.consistent(str(path)):
        return Poses(
            video=str(npz.meta["video"]),
            width_px=int(npz.meta["width_px"]),
            height_px=int(npz.meta["height_px"]),
            focal_px=float(npz.arrays["focal_px"]),
            skeleton=skeleton,
            keypoint_skeleton=keypoint_skeleton,
            **arrays,
        )
