"""People drawn over the video. Begin with `overlay`: it places the poses of a frame (`frame_poses`) on its picture
(`_alignment`). `body`, `labels`, `lettering`, `palette` and `strokes` are what it, and the 3D view, draw with.
"""
