"""Messages that come twice: tasks and events, published again as if by somebody who didn't hear that they were kept."""

from __future__ import annotations

import asyncio
import random
import secrets

from nats.errors import Error
from nats.js.errors import NotFoundError

from liftline.adapters.nats.connection import connected
from liftline.errors import LiftlineError
from tests.cluster import Cluster
from tests.servers import nats_settings

STREAMS = ("LIFTLINE_TASKS", "LIFTLINE_EVENTS")


def repeat_messages(cluster: Cluster, *, pick: float, count: int) -> int:
    """Publish so many kept tasks and events again under new ids; how many."""
    try:
        return asyncio.run(_repeat(cluster, random.Random(pick), count))
    except (LiftlineError, Error, OSError):
        return 0


async def _repeat(cluster: Cluster, dice: random.Random, count: int) -> int:
    repeated = 0
    async with connected(nats_settings(cluster.nats), name="repeats") as nats:
        for stream in dice.choices(STREAMS, k=count):
            state = (await nats.client.jsm().stream_info(stream)).state
            if not state.messages:
                continue
            try:
                kept = await nats.client.jsm().get_msg(stream, dice.randint(state.first_seq, state.last_seq))
            except NotFoundError:
                continue
            headers = {**(kept.headers or {}), "Nats-Msg-Id": secrets.token_hex(8)}
            await nats.client.jetstream().publish(kept.subject or "", kept.data or b"", headers=headers)
            repeated += 1
    return repeated
