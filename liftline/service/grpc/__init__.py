"""What all services show on the outside: a gRPC server with health, reflection, tokens and TLS, and their status."""
