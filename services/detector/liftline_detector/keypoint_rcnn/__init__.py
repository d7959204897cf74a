"""The original detector: Detectron2's Keypoint R-CNN (He et al., ICCV 2017), on the CPU or a CUDA device.

Detectron2 is imported in `network` only, and only when a detector is built: it isn't on PyPI and needs a compiler.
"""
