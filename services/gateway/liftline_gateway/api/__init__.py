"""What clients ask of a gateway, whatever the protocol: `wiring` puts it together, `grpc` is how it is asked today.

Read `create_job` and `uploads` first, then `watching`.
"""
