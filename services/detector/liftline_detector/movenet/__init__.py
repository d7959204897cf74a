"""MoveNet (Google, 2021) reads everyone's keypoints, BlazePose follows them and adds feet and hands; on LiteRT.

Begin with `detector`, then `_session`: who is there. `thunder` reads one person's keypoints, `multipose` is the second
finder of people, `_evidence` says who is believed to be a person, `_points` puts the two models' points together.
"""
