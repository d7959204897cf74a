"""`liftline up`: NATS, an S3 server and all services on this machine, for a try and for tests."""
