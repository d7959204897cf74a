"""RTMO (Lu et al., CVPR 2024): people and their keypoints by one network, in ONNX; made for crowds."""
