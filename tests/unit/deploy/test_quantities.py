"""Quantities as Kubernetes reads them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from deploy.kubelint.rules._quantities import parse


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"), (2, "2"), ("500m", "0.5"), ("1.5", "1.5"), ("1Ki", "1024"), ("2Gi", "2147483648"), ("3M", "3e6"),
        ("1e3", "1000"),
    ],
)  # fmt: skip
def test_quantities_are_read(text: object, amount: str) -> None:
    assert parse(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["256Mb", "1 Gi", "Gi", "-1", "1kB", "", "1m5"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    assert parse(text) is None
