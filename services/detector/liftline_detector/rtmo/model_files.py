"""RTMO's networks for COCO's 17 keypoints: sizes, addresses, what they were trained on."""

from __future__ import annotations

from liftline.models.catalogue import ModelFile
from liftline_detector.onnx_runtime.model_files import mmpose_file

NAME = "rtmo"
"""Of the detector, as users choose it."""
_BODY7 = "AI Challenger, COCO, CrowdPose, Halpe, JHMDB, MPII, PoseTrack18 (several of them for research only)"


def _body7(size: str, stem: str, million_parameters: float | None = None, sha256: str | None = None) -> ModelFile:
    return mmpose_file(
        f"rtmo-{size}", f"rtmo-{size}_{stem}", project="rtmo", training_data=_BODY7,
        million_parameters=million_parameters, sha256=sha256,
    )  # fmt: skip


RTMO_M = _body7("m", "16xb16-600e_body7-640x640-39e78cc4_20231211", 22.6)
SIZES: dict[str, ModelFile] = {
    "t": _body7(
        "t",
        "8xb32-600e_body7-416x416-f48f75cb_20231219",
        sha256="20aad6e2e42359cac1c5b4a0b2da00e29bfe91a72a782fdcf287d273a04c1b24",
    ),
    "s": _body7("s", "8xb32-600e_body7-640x640-dac2bf74_20231211", 9.9),
    "m": RTMO_M,
    "l": _body7("l", "16xb16-600e_body7-640x640-b37118ce_20231211", 44.8),
}
