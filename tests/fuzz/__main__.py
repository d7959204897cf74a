"""Damage videos at random and see that each is read or refused in words: never a crash, a hang or a half-written file.

    python -m tests.fuzz --cases 500 --pipeline 20 --seed 1

Exit code 1 if anything else happened; `--replay SEED:NUMBER` runs such a case again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import SHARED_DATA
from tests.fuzz.campaign import decode_all, process_all
from tests.fuzz.cases import summary
from tests.fuzz.sources import make_sources
from tests.integration.hostile import corpus

PIPELINE_NUMBERS = 1_000_000
"""Cases from here on go through the whole pipeline."""


def main() -> int:
    """Run, print the tables, return the exit code."""
    options = _options()
    seed, numbers = options.seed, [*range(options.cases), *range(PIPELINE_NUMBERS, PIPELINE_NUMBERS + options.pipeline)]
    if options.replay:
        seed, numbers = int(options.replay.split(":")[0]), [int(options.replay.split(":")[1])]
    began = time.monotonic()
    deadline = began + options.minutes * 60
    folder = Path(options.folder or tempfile.mkdtemp(prefix="liftline-fuzz-"))
    sources = make_sources(folder / "sources", SHARED_DATA / "videos" if SHARED_DATA.is_dir() else None)
    _say(f"{len(sources)} sources, seed {seed}; damaged files of findings stay in {folder}")
    decoded = decode_all(
        sources, folder, seed=seed, numbers=[n for n in numbers if n < PIPELINE_NUMBERS], jobs=options.jobs,
        deadline=deadline,
    )  # fmt: skip
    _say(summary("plan and decode", decoded))
    processed = process_all(
        sources, folder, seed=seed, numbers=[n for n in numbers if n >= PIPELINE_NUMBERS], deadline=deadline
    )
    _say(summary("whole pipeline", processed))
    undone = len(numbers) - len(decoded) - len(processed)
    findings = sum(r.outcome == "finding" for r in (*decoded, *processed))
    if not options.replay:
        findings += _corpus(folder)
    _say(f"{findings} findings, {undone} cases not run for lack of time, {time.monotonic() - began:.0f} s")
    return 1 if findings else 0


def _corpus(folder: Path) -> int:
    """All kinds of hostile videos, one line each; returns the number of findings."""
    findings = 0
    for found in corpus.attempts(corpus.KINDS, folder):
        findings += corpus.is_finding(found)
        _say(("FINDING " if corpus.is_finding(found) else "") + corpus.described(found))
    return findings


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--cases", type=int, default=500, help="cases through plan and decode")
    parser.add_argument("--pipeline", type=int, default=20, help="cases through `liftline process`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0, help="start no case after that")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--folder", help="where damaged files are written (a new temporary folder)")
    parser.add_argument("--replay", metavar="SEED:NUMBER", help="run this one case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
