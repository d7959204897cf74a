"""The worker loop of detector, lifter and renderer: `loop` is where to begin.

A task's life: `admission` (may it start?), `task_files` (its inputs, what it made), `_heartbeats` while it runs,
`_completion` (done, given back, failed). `running_task` is what these share, `board` what the worker tells of itself.
How long servers that are away are waited for stands in `liftline.net.retrying`.
"""
