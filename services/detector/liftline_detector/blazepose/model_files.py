"""BlazePose's two models: where they come from, their hashes and licence."""

from __future__ import annotations

from liftline.models.catalogue import ModelFile, Wheel, WheelMember

NAME = "blazepose"
"""Of the detector, as users choose it."""

MEDIAPIPE_WHEEL = Wheel(
    requirement="mediapipe==0.10.21",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    platform="manylinux_2_28_x86_64",
    python_version="3.11",
    implementation="cp",
)
"""The same wheel whichever machine asks: the model files are equal in all of them, the checksum isn't."""

_TRAINING_DATA = "Google's own pictures"

POSE_DETECTION = ModelFile(
    name="blazepose-detector",
    file_name="pose_detection.tflite",
    sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    licence="Apache-2.0",
    origin="mediapipe 0.10.21 (Google)",
    source=WheelMember(MEDIAPIPE_WHEEL, "mediapipe/modules/pose_detection/pose_detection.tflite", 2_959_046),
    training_data=_TRAINING_DATA,
)
POSE_LANDMARK = ModelFile(
    name="blazepose-landmarks",
    file_name="pose_landmark_full.tflite",
    sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    licence="Apache-2.0",
    origin="mediapipe 0.10.21 (Google)",
    source=WheelMember(MEDIAPIPE_WHEEL, "mediapipe/modules/pose_landmark/pose_landmark_full.tflite", 6_440_512),
    training_data=_TRAINING_DATA,
)
