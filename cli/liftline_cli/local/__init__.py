"""`liftline process` and single steps without servers: the services' handlers, wired to a folder and to the terminal.

Read `process` first; the driver is `liftline.pipeline.local`.
"""
