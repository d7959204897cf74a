"""The worker loop of detector, lifter and renderer: `loop` is where to begin.

A task's life: `admission` (may it start?), `task_files` (its inputs, what it made), `_heartbeats` while it runs,
`_completion` (done, given back, failed). `running_task` is what these share, `board` the worker's status.
Timeouts and retries are in `liftline.net.retrying`.
"""
