"""2D keypoints to 3D poses. `lift` is where to begin: normalise, network (`inference`), trajectory, smoothing.

`checkpoint` reads weights, ours or VideoPose3D's.
"""
