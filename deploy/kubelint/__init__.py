"""Checks of `deploy/k8s` that need no cluster: `make kube-lint`.

Begin with `linting`, which lists them. Fields and types are kubernetes-validate's (`schemas`). It finds none of the
mistakes that tests/unit/deploy plants: names that lead nowhere, selectors, what every container keeps to. kube-linter
would find some of these, but is on no package index (PyPI, npm, apt, Go's proxy), so they stand in `selecting` and
`rules` beside those on our own queues, settings and addresses.
"""
