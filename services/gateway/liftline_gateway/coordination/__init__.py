"""The life of jobs after their requests were accepted: `wiring` puts it together.

`creation_steps` makes a job, `coordinator` takes events into records (`advancing`), `publishing` ends a job,
`reconciler` finds what was lost, `removal` tidies. The rules themselves are `liftline.pipeline`.
"""
