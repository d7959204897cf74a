"""RTMPose (Jiang et al., 2023): people found by YOLOX or RTMDet, read with feet by a SimCC network, in ONNX.

`entry` says what there is to know of it, `simcc` is how a network's output becomes keypoints.
"""
