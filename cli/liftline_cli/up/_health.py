"""Whether services say that they serve."""

from __future__ import annotations

from liftline.service.grpc.probe import SERVING, ask

_ANSWER_S = 2.0


def is_serving(address: str) -> bool:
    """Whether the service at this address of the same machine takes work."""
    return ask(address, answer_s=_ANSWER_S) == SERVING
