"""Settings by whom they belong to: a job (`job`), a machine (`machine`), a deployed service (`services`).

`job` is what users and clients choose, its form in messages is `_job_wire`; `checked` words what is wrong in a value.
`environment` reads the others from `LIFTLINE_*` variables, with errors that name the variable.
"""
