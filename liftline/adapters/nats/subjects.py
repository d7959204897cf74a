"""Subjects of the messages that are in a stream."""

from __future__ import annotations

from functools import partial

from liftline.adapters.nats.connection import ApiError, Connection


async def subjects(connection: Connection, stream: str, subject_filter: str) -> list[str]:
    """Those that pass `subject_filter` (with `*` and `>` as in NATS). Raises UnavailableError."""
    found: list[str] = []
    while True:
        request = {"subjects_filter": subject_filter, "offset": len(found)}
        try:
            answer = await connection.retry(partial(connection.api, f"STREAM.INFO.{stream}", request))
        except ApiError as error:
            raise connection.unavailable(f"{stream}, {error}") from error
        page = answer["state"].get("subjects") or {}
        found.extend(page)
        if not page or len(found) >= answer.get("total", 0):
            return found
