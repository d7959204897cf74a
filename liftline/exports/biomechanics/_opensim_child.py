"""Runs OpenSim in a process of its own, by Pose2Sim's models and settings: `TRC FOLDER HEIGHT_M MASS_KG`.

OpenSim ends the process on much that it doesn't like; started as a file, this imports nothing of Liftline.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(trc: Path, folder: Path, height_m: float, mass_kg: float) -> None:
    """Scale Pose2Sim's model to the markers and fit it to each frame: `<stem>.osim`, `<stem>.mot` in the folder."""
    import opensim
    from Pose2Sim.kinematics import get_opensim_setup_dir, perform_IK, perform_scaling

    opensim.Logger.setLevelString("Error")
    setup = get_opensim_setup_dir()
    # The model without muscles: 40 coordinates, a fraction of the time; no pose tells of a muscle.
    about = {"subject_height": height_m, "subject_mass": mass_kg, "use_simple_model": True}
    perform_scaling(trc, "HALPE_26", folder, setup, **about)
    perform_IK(trc, folder, setup, "HALPE_26")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
