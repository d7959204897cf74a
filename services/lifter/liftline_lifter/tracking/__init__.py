"""Who is who over a whole video: detections in, rows of the same person out.

`shots` finds the camera cuts; all that follows happens within one shot. `following` goes through the frames once and
joins what is close and moves alike; `linking` then looks at the whole shot and bridges gaps, using motion on both sides
of each; `selection` drops what is no person and ranks the rest; `bounding` keeps so many of them at a time.
"""
