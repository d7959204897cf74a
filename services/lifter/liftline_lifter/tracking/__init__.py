"""Who is who over a whole video: detections in, rows of the same person out.

Begin with `identities`, which puts these together. `_shots` finds the camera cuts; the rest happens within one shot.
`frame_association` goes through the frames once and joins what is close and moves alike to tracklets, by `similarity`;
`_linking` looks at the whole shot and joins tracklets to tracks over gaps, using motion on both sides of each;
`_insertion` gives them what was left out in crowded moments; `_selection` drops what is no person and ranks the rest;
`_bounding` keeps so many of them at a time; `sides` and `gap_filling` finish each track.
"""
