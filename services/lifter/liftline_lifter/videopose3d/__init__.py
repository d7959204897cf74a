"""VideoPose3D's and Detectron's file formats: `dataset` and `detectron` write ours for them and read theirs.

`lift_input` is where to begin: it tells what a file is and makes tracks of it.
"""
