"""What a task reads and writes: `task_inputs` is what its handler sees, `results` what is stored of its work.

`input_cache` keeps inputs for other tasks of the job; `scratch` is the folder all of it lies in.
"""
