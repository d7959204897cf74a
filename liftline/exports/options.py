"""What may be chosen of exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BvhProfile = Literal["humanik", "mixamo", "lafan"]
TrcNames = Literal["halpe26", "h36m"]


@dataclass(frozen=True)
class ExportOptions:
    """trc_names: whose marker names a TRC has: HALPE_26's, which Pose2Sim's models of OpenSim know, or our joints'.

    bvh_profile: whose joint names a BVH has: MotionBuilder's, Mixamo's, or LAFAN1's at 30 frames a second.
    """

    trc_names: TrcNames = "halpe26"
    bvh_profile: BvhProfile = "humanik"


DEFAULTS = ExportOptions()
