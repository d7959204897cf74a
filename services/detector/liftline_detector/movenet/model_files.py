"""MoveNet's two models: which they are, their hashes and licence. They come with Liftline (`weights/README.md`)."""

from __future__ import annotations

from pathlib import Path

from liftline.models.catalogue import Bundled, ModelFile

NAME = "movenet"
"""Of the detector, as users choose it."""

_WEIGHTS = Path(__file__).parent / "weights"
_TRAINING_DATA = "COCO and Google's own pictures (Active)"
_OUT_OF_SCOPE = "surveillance and identity recognition are out of its scope"

THUNDER = ModelFile(
    name="movenet-thunder",
    file_name="movenet_thunder_int8.tflite",
    sha256="130a7f60f89133cf9d5f28932db16341aa08c8ec5db26e398688a8d70e6c0640",
    licence="Apache-2.0",
    origin="MoveNet SinglePose Thunder 4 (Google)",
    source=Bundled(_WEIGHTS),
    terms=_OUT_OF_SCOPE,
    training_data=_TRAINING_DATA,
)
MULTIPOSE = ModelFile(
    name="movenet-multipose",
    file_name="movenet_multipose_256_int8.tflite",
    sha256="8d6fe5663e14dca8d5b1db0189b110cc1aab1d525ce7bd25da366d9abd60bf6d",
    licence="Apache-2.0",
    origin="MoveNet MultiPose Lightning 1 (Google)",
    source=Bundled(_WEIGHTS),
    terms=_OUT_OF_SCOPE,
    training_data=_TRAINING_DATA,
)
