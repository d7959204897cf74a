"""`liftline.ports.Bus` and `liftline.ports.Records` over NATS JetStream.

async with connection.connected(settings, name="detector") as nats:
    await topology.ensure(nats)            # `setup`; services: topology.wait_until_there
    bus, records = NatsBus(nats), NatsRecords(nats)
"""
