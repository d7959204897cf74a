"""Minding jobs once they are made: `wiring` puts it together.

`coordinator` takes events into records (`advancing`), `publishing` ends a job, `reconciler` finds what was lost,
`removal` tidies. The rules themselves are `liftline.pipeline`.
"""
