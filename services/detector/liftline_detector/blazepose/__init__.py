"""BlazePose for several people at once (Bazarevsky et al., 2020), on LiteRT.

Begin with `detector`, then `session`, which tracks people from frame to frame; `search` says where it looks for new
ones, `person_detector` and `landmarks` are the two models, `from_landmarks` makes COCO keypoints of their output.
"""
