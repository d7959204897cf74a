"""OpenSim's motion file: columns over time.

Format: https://opensimconfluence.atlassian.net/wiki/spaces/OpenSim/pages/53089415 (Motion (.mot) Files); lines after
`inDegrees` are free text up to `endheader`. `nColumns` counts time, as OpenSim does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def mot_lines(
    times_s: NDArray[np.float64],
    names: Sequence[str],
    values: NDArray[np.float64],
    *,
    name: str = "Coordinates",
    notes: Sequence[str] = (),
) -> Iterator[str]:
    """The file's lines for (T,) times and (T,A) values in degrees (and metres), NaN written as nan."""
    yield from (name, "version=1", f"nRows={len(times_s)}", f"nColumns={len(names) + 1}", "inDegrees=yes", "")
    yield "Units are S.I. units (second, meters, Newtons, ...)"
    yield (
        "If the header above contains a line with 'inDegrees', this indicates whether rotational values are in degrees "
        "(yes) or radians (no)."
    )
    yield from notes
    yield ""
    yield "endheader"
    yield "\t".join(["time", *names])
    for time_s, row in zip(times_s.tolist(), values, strict=True):
        yield "\t".join([f"{time_s:.6f}", *("nan" if np.isnan(value) else f"{value:.5f}" for value in row)])
