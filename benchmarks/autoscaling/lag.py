"""The lag of consumers as KEDA's nats-jetstream scaler reads it: from NATS' monitoring, not from JetStream's API.

It counts what waits and what was delivered but not acknowledged, so tasks in work and those fetched ahead keep pods
there.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence

from liftline.adapters.nats.topology import TASKS
from liftline.errors import UnavailableError

_ANSWER_S = 5.0


def lags(monitoring_port: int, consumers: Sequence[str], *, account: str = "$G") -> dict[str, int]:
    """Lag by consumer. Raises UnavailableError where the server doesn't answer, or doesn't know one of them."""
    address = f"http://127.0.0.1:{monitoring_port}/jsz?acc={account}&consumers=true&config=true"
    try:
        with urllib.request.urlopen(address, timeout=_ANSWER_S) as answer:
            told = json.load(answer)
    except OSError as error:
        raise UnavailableError(f"{address}: no answer ({error}).") from error
    found = {
        one["name"]: one["num_pending"] + one["num_ack_pending"]
        for account_ in told.get("account_details", ())
        for stream in account_.get("stream_detail", ())
        if stream["name"] == TASKS
        for one in stream.get("consumer_detail") or ()
    }
    if missing := sorted(set(consumers) - found.keys()):
        raise UnavailableError(f"{address}: {TASKS} has no consumers {', '.join(missing)}.")
    return {name: found[name] for name in consumers}
