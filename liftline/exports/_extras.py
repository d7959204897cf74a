"""Packages that few exports need, and the extras that bring them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from liftline.errors import UsageError

NEEDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"angle-plots": ("matplotlib", "plots"), "parquet": ("pyarrow", "parquet"), "rrd": ("rerun", "rerun")}
)
"""The package that a format needs, and the extra that brings it."""


def needed(export_format: str, module: str = "") -> Any:
    """The package that a format of `NEEDS` needs, or a module in it. Raises UsageError, which says how to get it."""
    package, _ = NEEDS[export_format]
    try:
        return import_module(f"{package}.{module}" if module else package)
    except ImportError as error:
        raise missing(export_format) from error


def missing(export_format: str) -> UsageError:
    """What is said where a format's package isn't installed."""
    package, extra = NEEDS[export_format]
    return UsageError(f"--export {export_format} needs {package}, which isn't here: pip install 'liftline[{extra}]'.")
