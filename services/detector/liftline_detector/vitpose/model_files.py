"""ViTPose's networks for COCO's 17 keypoints. Not the huge one: its weights don't fit into an ONNX file."""

from __future__ import annotations

from liftline.models.catalogue import Address, ModelFile

NAME = "vitpose"
"""Of the detector, as users choose it."""


def _coco(size: str, million_parameters: float) -> ModelFile:
    url = f"https://huggingface.co/JunkyByte/easy_ViTPose/resolve/main/onnx/coco/vitpose-{size}-coco.onnx"
    return ModelFile(
        name=f"vitpose-{size}",
        file_name=f"vitpose-{size}-coco.onnx",
        licence="Apache-2.0",
        origin="ViTPose, exported by easy_ViTPose",
        source=Address(url, max_bytes=2 << 30),
        optional=True,
        training_data="COCO; its backbone: ImageNet (research only)",
        about_bytes=round(million_parameters * 4e6),
    )


VITPOSE_B = _coco("b", 86)
SIZES: dict[str, ModelFile] = {"s": _coco("s", 24), "b": VITPOSE_B, "l": _coco("l", 307)}
