"""How much memory a reading process may still take.

The kernel limits it (Linux: RLIMIT_DATA, which counts what is private and can be written: heaps, buffers of pictures,
stacks of threads), so that it ends allocations, whatever libav makes them for. RLIMIT_AS would count libraries and
address space that is only reserved. Elsewhere there is no limit.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_PLENTY = 1 << 62


def used_bytes() -> int:
    """What counts against the limit."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) << 10


def limit(size_bytes: int) -> None:
    """Allocations fail beyond so many in use."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (size_bytes, resource.RLIM_INFINITY))


def unlimit() -> None:
    """They don't any more."""
    limit(resource.RLIM_INFINITY)


def left_bytes() -> int:
    """What may still be taken."""
    most = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return _PLENTY if most == resource.RLIM_INFINITY else most - used_bytes()
