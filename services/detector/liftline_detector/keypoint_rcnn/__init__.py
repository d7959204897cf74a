"""The original detector: Detectron2's Keypoint R-CNN (He et al., ICCV 2017), on the CPU or a CUDA device.

Begin with `detector`; `preprocessing` makes its input, `_from_instances` reads its output, `weights` reads files
without running them. Detectron2 is imported in `_network` only, when a detector is built: it isn't on PyPI and needs a
compiler.
"""
