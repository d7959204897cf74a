"""The ports' implementations: `nats` and `memory` give `Bus` and `Records`, `s3` and `folder_store` an `ArtifactStore`.

Read `liftline.ports` first. Only entry points choose an adapter; everything else is handed one. Each passes the
contract suite of its port in `tests/contract`.
"""
