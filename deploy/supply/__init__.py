"""What comes from others, held fast: `make lock` renews it, tests/unit/deploy/test_supply.py holds it against the rest.

`locks` says which lock files there are (deploy/locks) and reads them; `locking` writes them, by uv; `references` finds
images and actions in Dockerfiles, compose.yaml, manifests and workflows; `pinning` asks registries for their digests.
Why in this form: docs/adr/0020-what-comes-from-others-is-held-fast.md.
"""
