"""The ports' implementations: `nats` gives `Bus` and `Records`, `s3` and `folder_store` an `ArtifactStore`.

Read `liftline.ports` first: methods do what it says. Only entry points choose an adapter; everything else is handed
one. Each passes the contract suite of its port in `tests/contract`.
"""
