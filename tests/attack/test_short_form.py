"""The short form of `make attack`: a few trials of every kind; and that what ought to be a fall is one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from liftline.service.tokens import mint_token
from tests.attack import trials
from tests.attack.campaign import KINDS, attack
from tests.attack.token_kinds import kinds
from tests.attack.trials import FellError, Result, SkippedError, hold, table
from tests.unit.serving.keys import key_files

SEED = 15


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_everything_holds(tmp_path: Path) -> None:
    results = attack(tmp_path, only=list(KINDS), seed=SEED, few=True, say=print)
    assert {one.kind for one in results} == set(KINDS)
    assert [one for one in results if one.fell] == [], table(results)


def test_tokens_are_of_many_kinds(tmp_path: Path) -> None:
    keys = key_files(tmp_path, "rsa")
    mine = mint_token(keys.signing, tenant="bert", audience="liftline", lifetime=timedelta(hours=1))
    found = kinds(keys, tenant="anna", mine=mine)
    assert len(found) >= 85
    assert len(set(found.values())) == len(found)


def test_a_fall_an_error_and_what_cant_be_tried_are_told_apart() -> None:
    def fall() -> None:
        hold(False, "A's video is B's")

    def fail() -> None:
        raise ConnectionResetError("reset")

    def skip() -> None:
        raise SkippedError("no faketime")

    tried = [trials.run("kind", one) for one in (("falls", fall), ("fails", fail), ("skips", skip), ("holds", int))]  # type: ignore[list-item]
    assert [bool(one.fell) for one in tried] == [True, True, False, False]
    assert [one.held for one in tried] == [False, False, False, True]
    told = table(tried).splitlines()
    assert told[1].split() == ["kind", "3", "1", "2", "1", "0"]
    assert told[2] == "FELL kind: falls: A's video is B's"
    assert told[4] == "SKIPPED kind: skips: no faketime"


def test_what_nobody_expected_ends_it() -> None:
    def bug() -> None:
        raise TypeError("of ours")

    with pytest.raises(TypeError):
        trials.run("kind", ("bug", bug))
    assert Result("kind", "name", 1.0).held
    with pytest.raises(FellError, match="words"):
        hold(False, "words")
