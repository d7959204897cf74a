"""JobService over gRPC: a thin translation of `liftline_gateway.api`."""
