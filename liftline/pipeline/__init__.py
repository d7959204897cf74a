"""The six stages as one pipeline, whoever runs it: plan, detect, track, lift, render, mux.

Read `handler` (what a stage is given and gives), then `state` (the life of a job as pure functions: which task next),
then `next_tasks` and `result_checks`. The gateway runs it over NATS, `liftline process` in one process.
"""
