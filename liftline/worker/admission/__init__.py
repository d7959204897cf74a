"""Whether and when a task may start: `intake` takes it from the queue, `slots` bounds how many run at once, `admission`
decides with these and the recorded attempts (`liftline.worker.attempts`).
"""
