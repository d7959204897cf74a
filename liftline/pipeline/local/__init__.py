"""A job in this process: the coordinator's rules, the services' handlers, results in a folder; no server.

Read `run` (which task next, what is skipped, when the output tree is written), then `stage_run` (a stage's tasks),
`task_work` (a task as its handler sees it), `job_files` (where its artifacts lie), `finished_tasks` (what needn't run
again) and `publishing` (the output tree, `manifest.json` last). `single_steps` runs stages of a job without the others.
"""
