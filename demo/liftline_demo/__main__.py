"""`make demo`: the whole pipeline on your video, or on a self-made clip whose truth is known and compared with.

Run as `python -m liftline_demo.__main__ [--video PATH] [--output-dir demo_output]`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from liftline import poses as poses_file
from liftline.errors import LiftlineError
from liftline.files.output_tree import WORK_FOLDER
from liftline.pose_errors import mpjpe, p_mpjpe
from liftline.poses import Poses
from liftline.progress import StopFlag
from liftline.skeletons import COCO17, H36M17, LIMB_JOINTS
from liftline_cli.console.interrupts import stop_on_interrupt
from liftline_cli.console.logging import configure_logging
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.console.terminal import Terminal
from liftline_demo.mannequin import clip as clip_module
from liftline_demo.mannequin.clip import Clip, render_clip, truth_path
from liftline_demo.mannequin.truth import STATURE_M

if TYPE_CHECKING:
    from liftline_cli.local.process import ProcessResult

CLIP_NAME = "walking_figure.mp4"


@dataclass(frozen=True)
class Accuracy:
    """How far a result is from the truth: means over the frames in which the person was found."""

    coverage: float
    mpjpe_mm: float
    p_mpjpe_mm: float
    limbs_mpjpe_mm: float
    limbs_p_mpjpe_mm: float
    keypoints_px: float
    keypoints_of_stature: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m liftline_demo.__main__", description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="your video; without one, a walking figure is drawn and used")
    parser.add_argument("--output-dir", type=Path, default=Path("demo_output"), help="folder for the results")
    options = parser.parse_args(arguments)
    configure_logging(verbose=False)
    console = Terminal(stderr=True)
    try:
        with stop_on_interrupt(console) as stop:
            run(options.video, options.output_dir, console=console, stop=stop)
    except LiftlineError as error:
        console.print(f"Error: {error}", markup=False, highlight=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    return 0


def run(video: Path | None, output_dir: Path, *, console: Console, stop: StopFlag) -> None:
    """Process `video`, or the self-made clip, into `output_dir` and print what came out. Raises LiftlineError."""
    from liftline_cli.local.process import ProcessSettings, process_video

    reporter = ConsoleReporter(console)
    chosen = video if video is not None else demo_clip(output_dir, Clip(), reporter, stop)
    result = process_video(chosen, output_dir, settings=ProcessSettings(), reporter=reporter, stop=stop)
    if video is None:
        console.print(_accuracy_table(compare(result.poses, poses_file.load(truth_path(chosen)))))
    console.print()
    console.print(_closing_lines(chosen, result), markup=False, highlight=False, soft_wrap=True)


def demo_clip(output_dir: Path, clip: Clip, reporter: ConsoleReporter, stop: StopFlag) -> Path:
    """The self-made clip, drawn unless an earlier run left the same one."""
    folder = Path(clip_module.__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    made_of = sha256(repr(clip).encode() + sources).hexdigest()
    path = output_dir / WORK_FOLDER / f"demo-{made_of[:16]}" / CLIP_NAME
    if path.exists() and truth_path(path).exists():
        reporter.skipped("draw")
        return path
    with reporter.step("draw", clip.frames) as progress:
        render_clip(path, clip, stop=stop, progress=progress)
    return path


def compare(found: Poses, truth: Poses) -> Accuracy:
    """The person found in most frames against the one true person, frame by frame; NaN where nobody was found."""
    lengths = np.diff(found.row_offsets)
    rows = found.rows(int(lengths.argmax())) if len(lengths) else slice(0, 0)
    frames = found.frame_index[rows]
    predicted, true = found.joints_m[rows][:, : len(H36M17)], truth.joints_m[frames]
    limbs = H36M17.indices(*LIMB_JOINTS)
    apart_px = np.linalg.norm(found.keypoints_px[rows, : len(COCO17)] - truth.keypoints_px[frames], axis=-1)
    stature_px = truth.focal_px * STATURE_M / truth.root_cam_m[frames, 2]
    return Accuracy(
        coverage=float(found.observed[rows].sum() / len(truth.frame_times_s)),
        mpjpe_mm=1000 * _mean(mpjpe(predicted, true)),
        p_mpjpe_mm=1000 * _mean(p_mpjpe(predicted, true)),
        limbs_mpjpe_mm=1000 * _mean(mpjpe(predicted[:, limbs], true[:, limbs])),
        limbs_p_mpjpe_mm=1000 * _mean(p_mpjpe(predicted[:, limbs], true[:, limbs])),
        keypoints_px=_mean(apart_px),
        keypoints_of_stature=_mean(apart_px / stature_px[:, None]),
    )


def _mean(values: NDArray[np.floating]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _accuracy_table(accuracy: Accuracy) -> Table:
    table = Table(title="Against the truth of the self-made clip", title_justify="left", box=None, pad_edge=False)
    for heading in ("", f"{len(H36M17)} joints", f"{len(LIMB_JOINTS)} limb joints"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("MPJPE", f"{accuracy.mpjpe_mm:.0f} mm", f"{accuracy.limbs_mpjpe_mm:.0f} mm")
    table.add_row("P-MPJPE", f"{accuracy.p_mpjpe_mm:.0f} mm", f"{accuracy.limbs_p_mpjpe_mm:.0f} mm")
    table.add_row("2D error", f"{accuracy.keypoints_px:.1f} px", f"{accuracy.keypoints_of_stature:.1%} of body height")
    table.add_row("found in", f"{accuracy.coverage:.0%} of frames", "")
    return table


def _closing_lines(video: Path, result: ProcessResult) -> str:
    lines = {
        "input": video,
        **result.files,
        "people": len(result.poses),
        "speed": f"{result.frame_count} frames in {result.seconds:.1f} s",
    }
    return "\n".join(f"{name:<16}{value}" for name, value in lines.items())


if __name__ == "__main__":
    sys.exit(main())
