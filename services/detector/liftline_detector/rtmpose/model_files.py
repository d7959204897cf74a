"""RTMPose's networks for Halpe's 26 keypoints: sizes, addresses, what they were trained on."""

from __future__ import annotations

from liftline.models.catalogue import ModelFile
from liftline_detector.onnx_runtime.model_files import mmpose_file

NAME = "rtmpose"
"""Of the detector, as users choose it."""
BODY7 = "AI Challenger, COCO-WholeBody, CrowdPose, Halpe, JHMDB, MPII, PoseTrack18 (several of them for research only)"


def _halpe26(
    size: str, digits: str, million_parameters: float, *, side: str = "256x192", date: str = "20230605",
    sha256: str | None = None,
) -> ModelFile:  # fmt: skip
    kind = size.partition("-")[0]
    return mmpose_file(
        f"rtmpose-{size}", f"rtmpose-{kind}_simcc-body7_pt-body7-halpe26_700e-{side}-{digits}_{date}",
        project="rtmposev1", training_data=BODY7, million_parameters=million_parameters, sha256=sha256,
    )  # fmt: skip


RTMPOSE_M = _halpe26("m", "4d3e73dd", 13.9, sha256="26f3a19e61304a600dfb82d1001d41d24343b89fc70a33ffc84657e0b0bf2ecf")
SIZES: dict[str, ModelFile] = {
    "t": _halpe26("t", "6020f8a6", 3.5),
    "s": _halpe26("s", "7f134165", 5.7),
    "m": RTMPOSE_M,
    "l": _halpe26("l", "2abb7558", 28),
    "m-384": _halpe26("m-384", "89e6428b", 14.1, side="384x288"),
    "l-384": _halpe26("l-384", "734182ce", 28, side="384x288"),
    "x-384": _halpe26("x-384", "7fb6e239", 50, side="384x288", date="20230606"),
}
