"""Who may do what on NATS and S3: a user and a key per service, each with the least it needs (ADR 0021).

`roles` names them, `nats_users` and `s3_policies` say what each may do, as the servers' own configuration.
`liftline up` takes it from here; compose.yaml and deploy/k8s have it as files, which `python -m deploy.access` writes
and a test compares.
"""
