"""Videos are opened and decoded in processes of their own, limited in memory and time: one ends nobody else's work.

`running` starts, lends and ends them, and serves what they ask for; `child` is what runs in them, `session` what it
gives to the function that does the work (planning, reading, muxing). `_messages` is what both say to each other;
`pictures` the memory in which decoded frames come back.
"""
