"""The short form of `make fuzz`, with a fixed seed; and that what ought to be a finding is one."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from tests.conftest import SHARED_DATA
from tests.fuzz import runner
from tests.fuzz.campaign import decode_all, process_all
from tests.fuzz.cases import make_case, summary
from tests.fuzz.mutations import MUTATIONS, mutated
from tests.fuzz.sources import make_sources

SEED, CASES = 7, 60


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    shared = SHARED_DATA / "videos"
    return make_sources(tmp_path_factory.mktemp("sources"), shared if shared.is_dir() else None)


def test_damaged_videos_are_read_or_refused_in_words(sources, tmp_path):
    results = decode_all(sources, tmp_path, seed=SEED, numbers=range(CASES), jobs=2, deadline=time.monotonic() + 250)
    assert len(results) == CASES
    assert not [r for r in results if r.outcome == "finding"], summary("plan and decode", results)
    assert {r.outcome for r in results} == {"success", "refused"}


def test_the_whole_pipeline_ends_well_or_refuses_damaged_videos(sources, tmp_path):
    small = [path for path in sources if path.name in ("h264.mp4", "mpeg4.avi")]
    results = process_all(small, tmp_path, seed=SEED, numbers=(0, 2), deadline=time.monotonic() + 250)
    assert [r.outcome for r in results] == ["success", "refused"], summary("whole pipeline", results)


def test_a_case_follows_from_its_seed_and_number(sources, tmp_path):
    first, again, other = (make_case(sources, tmp_path, seed=SEED, number=n) for n in (3, 3, 4))
    assert (first.source, first.mutation) == (again.source, again.mutation)
    assert first.path != other.path
    assert make_case(sources, tmp_path, seed=SEED + 1, number=3).path.read_bytes() != first.path.read_bytes()


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_changes_a_file(name):
    original = b"\0\0\0\x20ftypisom" + np.random.default_rng(0).bytes(5_000) + b"\0\0\0\x10moov" + bytes(200)
    changed = []
    for seed in range(20):
        data = bytearray(original)
        MUTATIONS[name](data, np.random.default_rng(seed))
        changed.append(bytes(data) != original)
    assert sum(changed) >= 10


def test_a_damaged_file_is_never_empty():
    assert all(mutated(bytes(100), np.random.default_rng(seed))[0] for seed in range(200))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV"),
        ("import time; time.sleep(60)", "no answer in 2 s"),
        ("raise SystemExit(5)", "exited with 5"),
        ('print(\'{"outcome": "success", "what": "", "peak_mb": 9999}\')', "9999 MB, the limit is"),
    ],
)
def test_a_crash_a_hang_and_a_peak_of_memory_are_findings(code, words, sources, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "WORKER", [sys.executable, "-c", f"input(); {code}"])
    with runner.Decoding(limit_s=2.0) as worker:
        result = worker.run(make_case(sources, tmp_path, seed=SEED, number=0))
    assert result.outcome == "finding"
    assert words in result.what
