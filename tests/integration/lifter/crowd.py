"""Track and lift a made-up crowd, then print what it took as JSON. Run by test_crowd.py in a process of its own."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks.measuring.processes import peak_bytes
from liftline.detections import Detections
from liftline.progress import FrameCounter, StopFlag
from liftline_lifter.stage import LiftSettings, TrackSettings, lift_tracks
from liftline_lifter.tracking.identities import find_identities, to_tracks
from tests.unit.lifter.random_networks import random_checkpoint
from tests.unit.lifter.synthetic_people import as_people, walker

FPS = 30


def crowd(*, people: int, seconds: float, stay_s: float) -> Detections:
    """People who walk through the picture one after the other, each in a lane of their own among others."""
    rng = np.random.default_rng(0)
    frames, stay = int(seconds * FPS), int(stay_s * FPS)
    by_frame: list[list[np.ndarray]] = [[] for _ in range(frames)]
    for person, start in enumerate(np.linspace(0, frames - stay, people).astype(int)):
        path = walker(stay, x_px=100 + 150 * (person % 7), speed_px_s=60, y_px=40 * (person % 9), phase=person)
        path += rng.normal(0, 2, path.shape)
        for offset in np.flatnonzero(rng.random(stay) > 0.03).tolist():
            by_frame[start + offset].append(path[offset])
    found = [(frame, as_people(here, [0.9] * len(here))) for frame, here in enumerate(by_frame)]
    return Detections.from_frames(found, start=0, stop=frames, detector="synthetic")


def main() -> None:
    """Print seconds, peak memory and the number of tracks."""
    detections = crowd(people=200, seconds=600, stay_s=20)
    times_s = np.arange(detections.frame_stop) / FPS
    checkpoint = random_checkpoint((3, 3, 3), 128)
    before = time.perf_counter()
    people = find_identities(
        detections, times_s, settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).people
    tracks = to_tracks(people, detections, times_s, video="crowd.mp4", width_px=1280, height_px=720, stop=StopFlag())
    tracked = time.perf_counter()
    result = lift_tracks(tracks, checkpoint, settings=LiftSettings(), stop=StopFlag(), progress=FrameCounter())
    lifted = time.perf_counter()
    report = {
        "rows": len(detections),
        "tracks": len(result.poses),
        "observed": int(tracks.observed.sum()),
        "track_s": round(tracked - before, 2),
        "lift_s": round(lifted - tracked, 2),
        "peak_mib": peak_bytes() >> 20,
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
