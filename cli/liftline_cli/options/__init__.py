"""Options that commands share, as types with help texts: `common`, `gateway`; `groups` bundles them.

Those of a job are made of its settings' fields: `job`.
"""
