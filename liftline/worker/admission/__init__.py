"""Whether and when a task may start: `intake` takes it from the queue, `attempts` counts who died of it, `slots` says
whose turn it is, `starts` puts the three together.
"""
