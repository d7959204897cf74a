"""Planning and decoding beside another checkout: `python -m benchmarks.resources.video_reading --against DIR`.

DIR is a checkout of another version, set up (`make setup`). Each turn is a process of its own that plans a video and
reads all of its frames, once to warm up; then ten plans and two readings are measured, processor time of children
counts. What is printed is the median of the ratios of neighbouring turns, new to old.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.common import REPOSITORY, SHARED_DATA, need, print_table, save_results
from liftline.errors import LiftlineError, UsageError

TURNS = 5
FIGURES = ("plan CPU", "plan wall", "read CPU", "read wall", "both CPU", "both wall")
_TURN = """
import json, os, sys, time
from pathlib import Path
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
try:
    from liftline.progress import StopFlag
except ImportError:
    from liftline.running import StopFlag
path, stop = Path(sys.argv[1]), StopFlag()
def spent():
    # Children that still run count only in /proc: their own times, and those of their ended children.
    def of(pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return sum(map(of, [os.getpid(), *children])), time.perf_counter()
def turn(plans, readings):
    marks = [spent()]
    for _ in range(plans):
        plan = plan_video(local_opener(path), name=path.name, stop=stop)
    marks.append(spent())
    for _ in range(readings):
        for frame in read_frames(local_opener(path), plan, start=0, stop=plan.frame_count, stop_token=stop):
            pass
    marks.append(spent())
    return marks
turn(1, 1)
before, planned, end = turn(10, 2)
print(json.dumps([planned[0] - before[0], planned[1] - before[1], end[0] - planned[0], end[1] - planned[1]]))
"""


def main() -> int:
    """Measure, print and save; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.resources.video_reading", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--against", type=Path, required=True, metavar="DIR", help="a checkout with its .venv")
    parser.add_argument("--videos", nargs="+", type=Path, help="videos (default: all shared ones)")
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    try:
        videos = options.videos or sorted(need(SHARED_DATA / "videos").glob("*.mp4"))
        ratios = {video.name: _ratios(video, options.against, options.turns) for video in videos}
    except LiftlineError as error:
        Console(stderr=True).print(f"Error: {error}", markup=False, style="red", soft_wrap=True)
        return int(error.exit_code)
    rows = [{"video": name} | {key: f"{value:.2f}" for key, value in row.items()} for name, row in ratios.items()]
    print_table(f"Time, this checkout to {options.against}", rows)
    print(f"saved to {save_results('video_reading', {'ratios': ratios})}")
    return 0


def _ratios(video: Path, other: Path, turns: int) -> dict[str, float]:
    pairs = [(_turn(other, video), _turn(REPOSITORY, video)) for _ in range(turns)]
    return {name: median(new[name] / old[name] for old, new in pairs) for name in FIGURES}


def _turn(checkout: Path, video: Path) -> dict[str, float]:
    python = checkout.resolve() / ".venv" / "bin" / "python"
    if not python.exists():
        raise UsageError(f"{python}: isn't there; run `make setup` in {checkout}.")
    command = [str(python), "-c", _TURN, str(video.resolve())]
    ended = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise UsageError(f"{checkout}: can't read {video.name} as this version does: {ended.stderr.strip()[-300:]}")
    plan_cpu, plan_wall, read_cpu, read_wall = json.loads(ended.stdout)
    once = (plan_cpu / 10, plan_wall / 10, read_cpu / 2, read_wall / 2)
    return dict(zip(FIGURES, (*once, once[0] + once[2], once[1] + once[3]), strict=True))


if __name__ == "__main__":
    sys.exit(main())
