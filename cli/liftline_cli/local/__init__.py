"""`liftline process` without servers: every stage in this process, results in a folder."""
