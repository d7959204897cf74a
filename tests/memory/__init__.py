"""`liftline.ports.Bus` and `liftline.ports.Records` within this process, with a clock to set and outages to make.

They behave as `liftline.adapters.nats` does; `tests/contract` runs one suite over both. What is stored lives in a
`Broker` and `MemoryRecords`, which several services of a test share; each service has a `MemoryBus` of its own on the
broker.
"""

from tests.memory.broker import Broker
from tests.memory.bus import MemoryBus
from tests.memory.records import MemoryRecords

__all__ = ["Broker", "MemoryBus", "MemoryRecords"]
