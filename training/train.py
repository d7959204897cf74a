"""Train the lifter: `python -m training.train --minutes 75 --out training/runs/h36m17`.

Stop it at any time: the same command goes on from its last state, and one with more minutes goes on for longer.
With `--steps` instead of `--minutes` a seed fixes the result, up to the machine's arithmetic. `--start-from` an
exported checkpoint, with as many `--channels` or more, goes on from what that one has learned.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from liftline.models.devices import resolve_device
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, load_checkpoint
from liftline_lifter.lifting.network import TemporalModel
from training._batches import Batch, BatchShape, batches
from training._threads import Threads
from training._widen import widened
from training.motion.data import default_mocap_path

STATE_FILE, LOG_FILE = "state.pt", "log.jsonl"
_PROCESSES_FOR_A_GPU = 12
_CHOSEN = ("minutes", "steps", "channels", "learning_rate", "aligned", "seed")


@dataclass(frozen=True)
class Settings:
    """Everything that shapes a run.

    The learning rate warms up, then falls along a cosine over `minutes` of training, or over `steps` where given.
    `aligned` is the weight of P-MPJPE in the loss, beside MPJPE's 1.
    """

    filter_widths: tuple[int, ...] = (3, 3, 3, 3)
    channels: int = 512
    dropout: float = 0.0
    windows: int = 128
    poses_per_window: int = 3
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.01
    warm_up: float = 0.02
    average: float = 0.999
    aligned: float = 0.0
    seed: int = 1
    minutes: float = 120.0
    steps: int | None = None

    @classmethod
    def for_device(cls, device: torch.device) -> Settings:
        """The best network for it: two hours on two CPU cores, or half an hour on a GPU."""
        if device.type == "cpu":
            return cls()
        return cls(filter_widths=(3, 3, 3, 3, 3), channels=1024, dropout=0.1, windows=512, minutes=30.0)


@dataclass
class Run:
    """A training run's state: what is saved and resumed.

    `average` is the moving average of the weights, that ships; `began_as` tells how the weights it began with were
    made, if not at random.
    """

    settings: Settings
    model: TemporalModel
    average: TemporalModel
    optimizer: torch.optim.AdamW
    step: int = 0
    elapsed_s: float = 0.0
    began_as: str = ""

    @classmethod
    def start(
        cls, settings: Settings, device: torch.device | None = None, start_from: LifterCheckpoint | None = None
    ) -> Run:
        """A run at its beginning, on the CPU unless another device is given; with another one's weights if given.

        Raises:
            ValueError: `start_from` has other filter widths, or more or less than half the channels.
        """
        torch.manual_seed(settings.seed)
        model = _network(settings)
        if start_from is not None:
            if start_from.filter_widths != settings.filter_widths:
                raise ValueError(f"filter widths are {start_from.filter_widths}, not {settings.filter_widths}")
            wide = widened(start_from.pose_model, settings.channels, settings.seed)
            model.load_state_dict(wide.state_dict())
        model = model.to(device)
        average = _network(settings).to(device).eval()
        average.load_state_dict(model.state_dict())
        optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
        return cls(settings, model, average, optimizer, began_as=_origin(start_from) if start_from else "")

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    @property
    def progress(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.settings.steps is not None:
            return min(1.0, self.step / self.settings.steps)
        return min(1.0, self.elapsed_s / (60 * self.settings.minutes))

    def save(self, path: Path) -> None:
        """Write the state; a reader sees the old one or the new one, never a part."""
        state: dict[str, Any] = {
            "settings": asdict(self.settings),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "began_as": self.began_as,
            "random": torch.get_rng_state(),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, device: torch.device | None = None) -> Run:
        """Go on from a saved state."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        settings = state["settings"]
        run = cls.start(Settings(**settings | {"filter_widths": tuple(settings["filter_widths"])}), device)
        run.model.load_state_dict(state["model"])
        run.average.load_state_dict(state["average"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.step, run.elapsed_s, run.began_as = state["step"], state["elapsed_s"], state.get("began_as", "")
        torch.set_rng_state(state["random"])
        return run


def _network(settings: Settings) -> TemporalModel:
    return TemporalModel(settings.filter_widths, settings.channels, dropout=settings.dropout)


def _origin(checkpoint: LifterCheckpoint) -> str:
    return f"weights {checkpoint.sha256[:12]} of {checkpoint.pose_model.channels} channels ({checkpoint.training})"


def learning_rate(settings: Settings, progress: float) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    warm_up = min(1.0, (progress + 1e-3) / (settings.warm_up + 1e-3))
    return settings.learning_rate * warm_up * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def mpjpe(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Mean per-joint position error of (..., J, 3) poses, in their unit."""
    distances: Tensor = torch.linalg.vector_norm(predicted.float() - wanted, dim=-1)
    return distances.mean()


def p_mpjpe(predicted: Tensor, wanted: Tensor) -> Tensor:
    """The same after each predicted pose of (..., J, 3) was moved, turned and scaled to fit best.

    The fit (Umeyama, 1991) counts as given: no gradient flows through it.
    """
    predicted, wanted = (poses.float() - poses.float().mean(dim=-2, keepdim=True) for poses in (predicted, wanted))
    with torch.no_grad():
        left, sizes, right = torch.linalg.svd(predicted.transpose(-1, -2) @ wanted)
        handed = torch.sign(torch.linalg.det(left) * torch.linalg.det(right))
        sizes[..., 2] *= handed
        left[..., 2] *= handed[..., None]
        scale = sizes.sum(dim=-1) / predicted.square().sum(dim=(-1, -2)).clamp_min(1e-9)
        fit = scale[..., None, None] * (left @ right)
    return mpjpe(predicted @ fit, wanted)


def train_step(run: Run, batch: Batch) -> float:
    """One step of the optimizer; returns MPJPE in metres. Matrix products run in bfloat16, weights stay float32."""
    inputs, wanted = (torch.from_numpy(array).to(run.device) for array in batch)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.settings, run.progress)
    run.model.train()
    with torch.autocast(run.device.type, torch.bfloat16):
        predicted = run.model.forward_windows(inputs)
    error = loss = mpjpe(predicted, wanted)
    if run.settings.aligned:
        loss = loss + run.settings.aligned * p_mpjpe(predicted, wanted)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.step()
    run.step += 1
    _update_average(run)
    return error.item()


@torch.no_grad()
def _update_average(run: Run) -> None:
    keep = min(run.settings.average, (1 + run.step) / (10 + run.step))
    states = zip(run.average.state_dict().values(), run.model.state_dict().values(), strict=True)
    for average, latest in states:
        if average.is_floating_point():
            average.lerp_(latest, 1 - keep)
        else:
            average.copy_(latest)


def batch_shape(run: Run) -> BatchShape:
    """The batches that this run's network learns from."""
    return BatchShape(run.settings.windows, run.settings.poses_per_window, run.model.stride, run.model.pad)


def train(
    run: Run,
    source: Iterator[Batch],
    out: Path,
    *,
    threads: Threads,
    save_every_s: float = 110.0,
    log_every: int = 100,
    log: Callable[[str], None] = print,
) -> None:
    """Run to the end of the settings' time or steps, writing `out`/state.pt and `out`/log.jsonl on the way."""
    out.mkdir(parents=True, exist_ok=True)
    losses: list[float] = []
    before, saved = time.monotonic(), time.monotonic()
    while run.progress < 1:
        batch = next(source)
        threads.before_step(run.step)
        started = time.monotonic()
        losses.append(train_step(run, batch))
        now = time.monotonic()
        threads.after_step(now - started)
        run.elapsed_s, before = run.elapsed_s + now - before, now
        if run.step % log_every == 0:
            log(_note(run, 1000 * float(np.mean(losses[-log_every:])), out / LOG_FILE))
        if now - saved > save_every_s:
            run.save(out / STATE_FILE)
            saved = now
    run.save(out / STATE_FILE)


def _note(run: Run, loss_mm: float, path: Path) -> str:
    """Append a line of JSON to the log and say the same in words."""
    rate = learning_rate(run.settings, run.progress)
    line = {"step": run.step, "elapsed_s": round(run.elapsed_s, 1), "loss_mm": loss_mm, "learning_rate": rate}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    done = f"step {run.step}, {run.elapsed_s:.0f} s, {run.progress:.1%}"
    return f"{done}: loss {loss_mm:.1f} mm, {torch.get_num_threads()} threads"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; resumed where it exists")
    parser.add_argument("--mocap", type=Path, default=default_mocap_path())
    parser.add_argument("--device", default="auto", help="auto (CUDA if there is any), cpu or cuda:N")
    parser.add_argument("--minutes", type=float, help="default: 120 on a CPU, 30 on a GPU")
    parser.add_argument("--steps", type=int, help="instead of minutes: the same weights for the same seed")
    parser.add_argument("--start-from", type=Path, help="a checkpoint whose weights the run begins with")
    parser.add_argument("--channels", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--aligned", type=float, help="weight of P-MPJPE in the loss (default: 0)")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, default=2, help="CPU: at most; fewer are used where that is faster")
    parser.add_argument("--processes", type=int, help="that make batches; default: 1 for a CPU, 12 for a GPU")
    args = parser.parse_args()
    device = resolve_device(args.device)
    chosen = {name: getattr(args, name) for name in _CHOSEN}
    settings = replace(Settings.for_device(device), **{k: v for k, v in chosen.items() if v is not None})
    state = args.out / STATE_FILE
    if state.exists():
        run = Run.load(state, device)
    else:
        run = Run.start(settings, device, load_checkpoint(args.start_from) if args.start_from else None)
    run.settings = replace(run.settings, minutes=settings.minutes, steps=settings.steps)
    print(f"{'resumed' if run.step else 'started'} at step {run.step} on {device}: {run.settings}", flush=True)
    processes = args.processes or (1 if device.type == "cpu" else _PROCESSES_FOR_A_GPU)
    feed = batches(args.mocap, batch_shape(run), seed=run.settings.seed, first_step=run.step, processes=processes)
    with feed as source:
        train(run, source, args.out, threads=Threads(args.threads), log=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
