"""People drawn over the video. Begin with `overlay`: it places the poses of a frame (`frame_poses`) on its picture
(`_alignment`). `keypoint_overlay` draws what was seen instead. `body`, `labels`, `lettering`, `palette` and `strokes`
are what they, and the 3D view, draw with.
"""
