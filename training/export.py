"""Write a run's weights as a checkpoint: `python -m training.export --run training/runs/h36m17 [--out PATH]`.

The moving average of the weights ships. `python -m training.reporting.card` measures it and writes the model card.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import safetensors.torch
import torch

from liftline_lifter.lifting.checkpoint import METADATA_KEY, SCHEMA_VERSION, bundled_checkpoint_path, load_checkpoint
from liftline_lifter.lifting.normalise import Normalisation
from training._run import STATE_FILE, Run

RATE_HZ = 50.0
LICENCE = "MIT"
NAME = "liftline-body"
_DATA = "CMU motion capture (mocap.cs.cmu.edu) without subject 02, augmented, simulated cameras and detections"


def this_machine() -> str:
    """What PyTorch trains on here by default."""
    if torch.cuda.is_available():
        return f"one {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores"


def summary(run: Run, machine: str) -> str:
    """How the weights were made, in one line."""
    settings = run.settings
    poses = run.step * settings.windows * settings.poses_per_window
    own = f"{run.step} steps, {poses} poses, {run.elapsed_s / 60:.0f} min on {machine}, seed {settings.seed}"
    return f"{own}; " + (f"began with {run.began_as}" if run.began_as else _DATA)


def file_name(run: Run) -> str:
    """As `liftline_body_81f.safetensors`."""
    return f"{NAME.replace('-', '_')}_{run.model.receptive_field}f.safetensors"


def export(run: Run, path: Path, *, machine: str) -> None:
    """Write the averaged weights, with what a reader has to know in the header.

    Convolutions are written as float16, for a file half as large; they are float32 again once loaded.
    """
    model = run.average
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "name": f"{NAME}-{model.receptive_field}f",
        "filter_widths": list(model.filter_widths),
        "channels": model.channels,
        "causal": model.causal,
        "normalisation": Normalisation.PERSON_FEATURES.value,
        "rate_hz": RATE_HZ,
        "licence": LICENCE,
        "training": summary(run, machine),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    state = {name: values.half() if values.ndim == 3 else values for name, values in model.state_dict().items()}
    safetensors.torch.save_file(state, partial, {METADATA_KEY: json.dumps(metadata)})
    partial.chmod(0o644)
    partial.replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=bundled_checkpoint_path())
    parser.add_argument("--machine", default=this_machine(), help="what it was trained on (default: %(default)s)")
    args = parser.parse_args()
    export(Run.load(args.run / STATE_FILE), args.out, machine=args.machine)
    checkpoint = load_checkpoint(args.out)
    print(f"{args.out}: {checkpoint.name}, sha256 {checkpoint.sha256}, {checkpoint.training}")


if __name__ == "__main__":
    main()
