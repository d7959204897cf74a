"""Users of NATS and S3 as files: those of deploy/k8s, which compose.yaml mounts too, and those for servers elsewhere.

What they may do is `liftline.adapters.access`.
"""
