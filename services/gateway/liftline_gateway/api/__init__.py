"""What clients ask of a gateway, whatever the protocol: `wiring` puts it together, `grpc` translates.

Read `create_job` and `uploads` first, then `watching`.
"""
