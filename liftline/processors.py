"""How many processors there are for this process, which in a container are fewer than the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def processors(cgroup: Path = CGROUP) -> int:
    """Those it may run on, and no more than its container's CPU limit comes to, a part of one counting as one.

    Limits are those of cgroup v2: https://docs.kernel.org/admin-guide/cgroup-v2.html, `cpu.max`. Requests of
    Kubernetes limit nothing.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, _limit(cgroup))


def _limit(cgroup: Path) -> int:
    """At least 1; as good as none where the container, or this system, has none."""
    no_limit = 1 << 16
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        return no_limit
    return no_limit if quota == "max" else max(1, math.ceil(int(quota) / int(period)))
