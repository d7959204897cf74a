"""Checks of `deploy/k8s` that need no cluster: `make kube-lint`."""
