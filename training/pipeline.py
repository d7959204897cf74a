"""From motion capture to weights, model card and pictures: `python -m training.pipeline --out training/runs/h36m17`.

Train (resumed where it stopped), export, measure, write the card, draw. The same command goes on after any stop. On a
CPU it trains in two stages: a narrow network learns most of it soon, and goes on with more channels (`_widen`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from liftline.models.devices import resolve_device
from liftline_lifter.lifting.checkpoint import load_checkpoint
from training._run import LOG_FILE, STATE_FILE, Run
from training.export import export, file_name, this_machine
from training.motion.data import default_mocap_path
from training.reporting.card import CARD_FILE, measure, with_real_video, write

NARROW = "narrow"
"""The first stage's folder, in the run's."""

NARROW_OPTIONS = ("--channels", "512", "--learning-rate", "1.2e-3", "--minutes", "120")
"""How that begins, unless told otherwise."""
WIDER = ("--channels", "768", "--seed", "2")
"""What the second stage does differently."""

PICTURES = ("loss.png", "joints.png", "poses.png")


def trained(out: Path, mocap: Path, options: Sequence[str] = (), *, machine: str) -> Path:
    """Train in `out` to the end, with `options` of `python -m training.train`; the exported weights.

    In a process of its own: that gives a GPU's memory back, and ends with this one.
    """
    command = [sys.executable, "-m", "training.train", "--out", str(out), "--mocap", str(mocap), *options]
    subprocess.run(command, check=True)  # noqa: S603
    run = Run.load(out / STATE_FILE)
    weights = out / file_name(run)
    export(run, weights, machine=machine)
    return weights


def trained_wider(out: Path, mocap: Path, options: Sequence[str] = (), *, machine: str) -> Path:
    """The same in two stages, the second with `WIDER`."""
    narrow = trained(out / NARROW, mocap, [*NARROW_OPTIONS, *options], machine=machine)
    return trained(out, mocap, [*options, "--start-from", str(narrow), *WIDER], machine=machine)


def documented(weights: Path, mocap: Path, real_video: Path | None) -> None:
    """Measure the weights; figures, model card and pictures lie beside them afterwards."""
    from training.reporting import plots

    out = weights.parent
    figures = measure(weights, mocap)
    if real_video:
        figures = with_real_video(figures, real_video)
    write(figures, out)
    loss, joints, poses = (out / picture for picture in PICTURES)
    plots.loss_curve(out / LOG_FILE, loss)
    plots.joint_errors(figures, joints)
    plots.contact_sheet(load_checkpoint(weights), mocap, poses)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; resumed where it exists")
    parser.add_argument("--mocap", type=Path, default=default_mocap_path())
    parser.add_argument("--device", default="auto", help="auto (CUDA if there is any), cpu or cuda:N")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes", type=float, help="of one stage (default: 120 on a GPU; two stages of 120 and 600 on a CPU)"
    )
    length.add_argument("--steps", type=int, help="instead of minutes: the same weights for the same seed")
    parser.add_argument("--real-video", type=Path, help="for the card: what `python -m benchmarks.real_accuracy` saved")
    parser.add_argument("--machine", default=this_machine(), help="for the card: what trains (default: %(default)s)")
    args = parser.parse_args()
    if find_spec("matplotlib") is None:
        parser.error("the pictures need matplotlib, which isn't installed: pip install '.[bench]'")
    options = ["--device", args.device]
    for name in ("minutes", "steps"):
        if (value := getattr(args, name)) is not None:
            options += [f"--{name}", str(value)]
    one_stage = args.minutes or args.steps or resolve_device(args.device).type != "cpu"
    train = trained if one_stage else trained_wider
    weights = train(args.out, args.mocap, options, machine=args.machine)
    documented(weights, args.mocap, args.real_video)
    print("\n".join(str(args.out / name) for name in (weights.name, CARD_FILE, *PICTURES)))


if __name__ == "__main__":
    main()
