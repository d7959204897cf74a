"""Detector, lifter and renderer whose stages only sleep: `python -m tests.standin_services detector`.

Settings, worker loop, NATS, S3 and gRPC are the real ones. What the stages do is in the video's file name, parts with
dashes between them:

    standin-segments=20-detect=1.0-kill=detect.3.mp4

    segments=20         the plan has so many segments (1)
    frames=30           frames per segment (10)
    all=0.05            every task takes so many seconds (0)
    detect=1.0          tasks of that stage do; also plan, track, lift, render, mux
    FAULT=STAGE.N       in segment N of a stage (all of them without `.N`), halfway through, this goes wrong:
        fail            InvalidVideoError: the video can't be used
        raise           RuntimeError: a bug
        kill            the process kills itself: SIGKILL
        segv            the same by SIGSEGV, as a broken decoder would
        hang            nothing moves any more, and it doesn't stop when told to
        full            the disk is full
        memory          MemoryError
        away            UnavailableError: the store is away
    kill=detect.3x2     the same the first two times only; needs the environment's STANDIN_MARKS, a folder where each
                        time leaves a file

Contents depend on the video's bytes, stage and segment alone: tracks hold all detections, the rendered file holds all
segments, so a lost or wrong one changes the end. `expected_outputs` says what must come out.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from liftline.errors import InvalidVideoError, UnavailableError
from liftline.files.block_hashes import BlockRecorder
from liftline.files.output_tree import OutputTree
from liftline.files.range_reader import BLOCK_BYTES
from liftline.jobs.naming import Stage, artifact
from liftline.pipeline.handler import LoadedService, Product, Service, StageOutcome, Work
from liftline.ports import ModelInfo
from liftline.service.bootstrap import run_worker

MODEL = ModelInfo(name="standin", sha256="0" * 64, licence="MIT", source="tests/standin_services.py")
_FAULT = re.compile(r"(?P<stage>[a-z]+)(\.(?P<number>\d+))?(x(?P<times>\d+))?")
_STEP_S = 0.02


@dataclass(frozen=True)
class Fault:
    """What goes wrong where, and how often (None: always)."""

    kind: str
    stage: Stage
    number: int | None
    times: int | None


@dataclass(frozen=True)
class Script:
    """What a video's file name asks for."""

    segments: int = 1
    frames: int = 10
    all_s: float = 0.0
    seconds: Mapping[Stage, float] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    @classmethod
    def of(cls, video_name: str) -> Script:
        """Read a file name. Raises InvalidVideoError where it asks for something unknown."""
        script: dict[str, float] = {}
        seconds, faults = {}, []
        for part in PurePosixPath(video_name).stem.split("-")[1:]:
            name, _, value = part.partition("=")
            if name in FAULTS:
                faults.append(_fault(name, value))
            elif name in list(Stage):
                seconds[Stage(name)] = float(value)
            elif name in ("segments", "frames", "all"):
                script[name] = float(value)
            elif "=" in part:
                raise InvalidVideoError(f"{video_name}: no stand-in knows {part!r}; see {__file__}")
        return cls(
            int(script.get("segments", 1)), int(script.get("frames", 10)), script.get("all", 0.0), seconds, faults
        )  # fmt: skip

    def takes_s(self, stage: Stage) -> float:
        """How long a task of a stage sleeps."""
        return self.seconds.get(stage, self.all_s)


def _fault(kind: str, where: str) -> Fault:
    match = _FAULT.fullmatch(where)
    if match is None:
        raise InvalidVideoError(f"{kind}={where}: not STAGE.N or STAGE.NxTIMES; see {__file__}")
    number, times = match["number"], match["times"]
    return Fault(kind, Stage(match["stage"]), _int(number), _int(times))


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


def plan(work: Work) -> StageOutcome:
    """As many segments as the name says."""
    script = Script.of(work.task.video_name)
    sha256 = _video_sha256(work)
    work.input_file("video")  # kept as inputs are: disks fill with them
    frames = _sleep_over_all(work)
    product = _made(work, "plan", plan_content(sha256, script))
    return StageOutcome(
        [product], frames, models=[MODEL], segment_count=script.segments, frame_count=frames, video_sha256=sha256,
        video_info_json='{"standin": true}',
    )  # fmt: skip


def _video_sha256(work: Work) -> str:
    """Read twice, as the real plan is made from bytes that came twice. Raises UnavailableError where they differ."""
    blocks = BlockRecorder()
    for _ in range(2):
        digest = hashlib.sha256()
        with work.video(blocks)() as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def detect(work: Work) -> StageOutcome:
    """Something that depends on the plan and the segment."""
    script = Script.of(work.task.video_name)
    content = segment_content(Stage.DETECT, work.task.id.number, work.input_file("plan").read_bytes())
    _sleep(work, script, frames=script.frames)
    return StageOutcome([_made(work, "detections", content)], script.frames, models=[MODEL])


def track(work: Work) -> StageOutcome:
    """All detections, one after the other."""
    return _gathering(work, "detections", "tracks", OutputTree(work.task.video_name).tracks)


def lift(work: Work) -> StageOutcome:
    """Something that depends on the tracks."""
    tree = OutputTree(work.task.video_name)
    tracks = work.input_file("tracks").read_bytes()
    frames = _sleep_over_all(work)
    products = [
        _made(work, "poses", digest_content("poses", tracks), tree.poses),
        _made(work, "scene", digest_content("scene", tracks), tree.scene),
    ]
    return StageOutcome(products, frames)


def render(work: Work) -> StageOutcome:
    """Something that depends on poses, scene and segment."""
    script = Script.of(work.task.video_name)
    inputs = (work.input_file(role).read_bytes() for role in ("plan", "poses", "scene"))
    content = segment_content(Stage.RENDER, work.task.id.number, *inputs)
    _sleep(work, script, frames=script.frames)
    return StageOutcome([_made(work, "segment", content)], script.frames)


def mux(work: Work) -> StageOutcome:
    """All segments, one after the other."""
    return _gathering(work, "segment", "rendered", OutputTree(work.task.video_name).rendered)


def plan_content(video_sha256: str, script: Script) -> bytes:
    """Bytes of a plan."""
    return f"plan {video_sha256} {script.segments}\n".encode()


def segment_content(stage: Stage, number: int, *inputs: bytes) -> bytes:
    """Bytes of a segment's artifact."""
    return f"{stage} {number} {hashlib.sha256(b''.join(inputs)).hexdigest()}\n".encode()


def digest_content(role: str, *inputs: bytes) -> bytes:
    """Bytes of an artifact of a whole video."""
    return f"{role} {hashlib.sha256(b''.join(inputs)).hexdigest()}\n".encode()


def expected_outputs(video_name: str, video: bytes) -> dict[str, bytes]:
    """Output tree of an undisturbed job, without its manifest."""
    script, tree = Script.of(video_name), OutputTree(video_name)
    planned = plan_content(hashlib.sha256(video).hexdigest(), script)
    numbers = range(script.segments)
    tracks = b"".join(segment_content(Stage.DETECT, number, planned) for number in numbers)
    poses, scene = digest_content("poses", tracks), digest_content("scene", tracks)
    rendered = b"".join(segment_content(Stage.RENDER, number, planned, poses, scene) for number in numbers)
    return {tree.tracks: tracks, tree.poses: poses, tree.scene: scene, tree.rendered: rendered}


def _gathering(work: Work, role: str, made_role: str, tree_path: str) -> StageOutcome:
    parts = []
    for result in work.segment_results:
        work.stop.raise_if_stopped()
        found = artifact(result.artifacts, role)
        if found is None:
            raise RuntimeError(f"a segment came without its {role}")
        parts.append(work.fetch(found.ref).read_bytes())
    frames = _sleep_over_all(work)
    return StageOutcome([_made(work, made_role, b"".join(parts), tree_path)], frames)


def _sleep_over_all(work: Work) -> int:
    script = Script.of(work.task.video_name)
    frames = script.segments * script.frames
    _sleep(work, script, frames=frames)
    return frames


def _made(work: Work, role: str, content: bytes, tree_path: str = "") -> Product:
    path = work.folder / role
    path.write_bytes(content)
    return Product(role, path, tree_path)


def _sleep(work: Work, script: Script, *, frames: int) -> None:
    """Sleep as the script says, telling of frames as they would be finished; faults come halfway."""
    stage, number = Stage.of(work.task.id.stage), work.task.id.number
    faults = [one for one in script.faults if one.stage is stage and one.number in (None, number)]
    begun_s, takes_s, told = time.monotonic(), script.takes_s(stage), 0
    while True:
        work.stop.raise_if_stopped()
        passed_s = time.monotonic() - begun_s
        if faults and passed_s >= takes_s / 2:
            for fault in faults:
                _go_wrong(work, fault)
            faults = []
        done = frames if passed_s >= takes_s else int(frames * passed_s / takes_s)
        if done > told:
            work.progress.advance(done - told)
            told = done
        if passed_s >= takes_s:
            return
        time.sleep(min(_STEP_S, takes_s - passed_s))


def _go_wrong(work: Work, fault: Fault) -> None:
    if fault.times is None or _is_among_first(work, fault, fault.times):
        FAULTS[fault.kind]()


def _is_among_first(work: Work, fault: Fault, times: int) -> bool:
    task = work.task.id
    marks = Path(os.environ["STANDIN_MARKS"])
    for time_ in range(times):
        try:
            (marks / f"{task.job}-{fault.kind}-{fault.stage}-{task.number}-{time_}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return False


def _kill(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def _hang() -> None:
    time.sleep(24 * 3600)


def _raise(error: Callable[[], Exception]) -> None:
    raise error()


def _disk_full() -> None:
    Path("/dev/full").write_bytes(b"a file on a full disk")


FAULTS: Mapping[str, Callable[[], None]] = {
    "fail": partial(_raise, lambda: InvalidVideoError("The video can't be used (a stand-in says so).")),
    "raise": partial(_raise, lambda: RuntimeError("a bug of a stand-in")),
    "kill": partial(_kill, signal.SIGKILL),
    "segv": partial(_kill, signal.SIGSEGV),
    "hang": _hang,
    "full": _disk_full,
    "memory": partial(_raise, lambda: MemoryError("a stand-in says so")),
    "away": partial(_raise, lambda: UnavailableError("The store is away (a stand-in says so).")),
}

HANDLERS = {
    "detector": {Stage.DETECT: detect, Stage.PLAN: plan},
    "lifter": {Stage.LIFT: lift, Stage.TRACK: track},
    "renderer": {Stage.MUX: mux, Stage.RENDER: render},
}


def service(name: str) -> Service:
    """The stand-in of a service: nothing to load, ready at once."""
    handlers = HANDLERS[name]
    return Service(name, list(handlers), lambda: LoadedService(handlers, [MODEL], device="cpu"))


if __name__ == "__main__":
    run_worker(service(sys.argv[1]))
