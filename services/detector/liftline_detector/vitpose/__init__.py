"""ViTPose (Xu et al., 2022): people found by YOLOX or RTMDet, read by a vision transformer's heatmaps, in ONNX.

`entry` says what there is to know of it, `heatmaps` is how a network's output becomes keypoints.
"""
