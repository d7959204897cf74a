"""Quantities of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e[0-9]+)?")
_FACTORS = {
    "": Decimal(1), "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}  # fmt: skip


def parse(text: object) -> Decimal | None:
    """How much it is; None where it is no quantity."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        return None
    unit = match[2] or ""
    factor = Decimal(10) ** int(unit[1:]) if unit.startswith("e") else _FACTORS[unit]
    return Decimal(match[1]) * factor
