"""`liftline.ports.Bus` and `liftline.ports.Records` within this process, for tests and tries.

They behave as `liftline.adapters.nats` does; `tests/contract` runs one suite over both. What is kept lives in a
`Broker` and `MemoryRecords`, which several services of a test share; each service has a `MemoryBus` of its own on the
broker.
"""

from liftline.adapters.memory._broker import Broker
from liftline.adapters.memory.bus import MemoryBus
from liftline.adapters.memory.records import MemoryRecords

__all__ = ["Broker", "MemoryBus", "MemoryRecords"]
