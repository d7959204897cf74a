"""Thunder's scores on BlazePose's scale: 0.5 means the same of both (`docs/accuracy.md`, reliability)."""

from __future__ import annotations

from liftline_detector.declaration import Calibration

calibrated = Calibration(
    own=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0),
    common=(0.0, 0.12, 0.32, 0.5, 0.63, 0.78, 0.92, 1.0),
    measured="docs/accuracy.md",
)
