"""The wire contract, generated from `protos/liftline/v1/` by `make protos`."""
