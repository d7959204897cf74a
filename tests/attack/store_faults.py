"""A store that answers wrongly, refuses, breaks off or is slow, while jobs run: they end as they should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from tests.attack.ground import Ground
from tests.attack.trials import Trial, hold
from tests.integration.s3.lying import DISORDERS, Disorder

SHARE, SHARE_OF_FEW, LASTS_S = 0.4, 0.2, 5.0
FEW = ("flipped byte", "no ETag, not stored")


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """Each way in turn, then all at once."""
    if few:
        yield " and ".join(FEW), partial(_jobs_in, ground, [DISORDERS[name] for name in FEW], share=SHARE_OF_FEW)
        return
    for name, disorder in DISORDERS.items():
        yield name, partial(_jobs_in, ground, [disorder])
    yield "all at once", partial(_jobs_in, ground, list(DISORDERS.values()))


def _jobs_in(ground: Ground, disorders: list[Disorder], *, share: float = SHARE) -> None:
    name, content = "standin-segments=4-all=0.2.mp4", ground.dice.randbytes(100_000)
    proxy = ground.cluster.proxy
    assert proxy is not None
    told = proxy.told
    with proxy.disordered(disorders, share=share, seed=ground.dice.random()):
        jobs = [(tenant, ground.submitted(tenant, name, content)) for tenant in (ground.a, ground.b) for _ in range(2)]
        end_s = time.monotonic() + LASTS_S
        while time.monotonic() < end_s and not all(tenant.client.get(job).state.ended for tenant, job in jobs):
            time.sleep(0.1)
    hold(proxy.told > told, "nothing went wrong, so nothing was tried")
    for tenant, job in jobs:
        ground.check_done(tenant, job, name, content)
    ground.check_hers()
