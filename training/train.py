"""Train the lifter: `python -m training.train --minutes 600 --out training/runs/body`.

Stop it at any time: the same command goes on from its last state, and one with more minutes goes on for longer.
With `--steps` instead of `--minutes` a seed fixes the result, up to the machine's arithmetic. `--start-from` an
exported checkpoint, with as many `--channels` or more, goes on from what that one has learned; one that read 17
keypoints only learns to read the others.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from liftline.models.devices import resolve_device
from liftline_lifter.lifting.checkpoint import load_checkpoint
from training._batches import Batch, batches
from training._run import LOG_FILE, STATE_FILE, Run, Settings, learning_rate
from training._threads import Threads
from training.losses import total
from training.motion.data import default_mocap_path

_PROCESSES_FOR_A_GPU = 12
_CHOSEN = ("minutes", "steps", "channels", "causal", "learning_rate", "seed")


def train_step(run: Run, batch: Batch) -> dict[str, float]:
    """One step of the optimizer; returns parts of the loss. Matrix products run in bfloat16 where that is fast."""
    inputs, wanted, known = (torch.from_numpy(array).to(run.device) for array in batch)
    settings = run.settings
    later = settings.pair_frames if settings.pairs else 0
    if later:
        poses = settings.poses_per_window
        inputs = torch.cat([inputs[:, :-later], inputs[: settings.pairs, later:]])
        wanted = torch.cat([wanted[:, :poses], wanted[: settings.pairs, poses:]])
        known = torch.cat([known, known[: settings.pairs]])
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(settings, run.step, run.progress)
    run.model.train()
    with torch.autocast(run.device.type, torch.bfloat16, enabled=_has_bfloat16(run.device)):
        predicted = run.model.forward_windows(inputs)
    loss, parts = total(predicted, wanted, known, settings.pairs, settings.weights)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.step()
    run.step += 1
    _update_average(run)
    return parts


def _has_bfloat16(device: torch.device) -> bool:
    """A CPU without its instructions emulates it, seven times slower than float32."""
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


@torch.no_grad()
def _update_average(run: Run) -> None:
    keep = min(run.settings.average, (1 + run.step) / (10 + run.step))
    states = zip(run.average.state_dict().values(), run.model.state_dict().values(), strict=True)
    for average, latest in states:
        if average.is_floating_point():
            average.lerp_(latest, 1 - keep)
        else:
            average.copy_(latest)


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
    parts: dict[str, list[float]] = defaultdict(list)
    before = saved = time.monotonic()
    while run.progress < 1:
        batch = next(source)
        threads.before_step(run.step)
        started = time.monotonic()
        for name, value in train_step(run, batch).items():
            parts[name].append(value)
        now = time.monotonic()
        threads.after_step(now - started)
        run.elapsed_s, before = run.elapsed_s + now - before, now
        if run.step % log_every == 0:
            log(_note(run, {name: float(np.mean(values)) for name, values in parts.items()}, out / LOG_FILE))
            parts.clear()
        if now - saved > save_every_s:
            run.save(out / STATE_FILE)
            saved = now
    run.save(out / STATE_FILE)


def _note(run: Run, parts: dict[str, float], path: Path) -> str:
    """Append a line of JSON to the log and say the same in words."""
    loss_mm = 1000 * parts["h36m17"]
    rate = learning_rate(run.settings, run.step, run.progress)
    line = {"step": run.step, "elapsed_s": round(run.elapsed_s, 1), "loss_mm": loss_mm, "learning_rate": rate}
    line |= {f"{name}_loss": round(value, 5) for name, value in parts.items() if name != "h36m17"}
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
    parser.add_argument("--minutes", type=float, help="default: 600 on a CPU, 120 on a GPU")
    parser.add_argument("--steps", type=int, help="instead of minutes: the same weights for the same seed")
    parser.add_argument("--start-from", type=Path, help="a checkpoint whose weights the run begins with")
    parser.add_argument("--channels", type=int)
    parser.add_argument("--causal", action="store_true", default=None, help="a network that sees no future frames")
    parser.add_argument("--learning-rate", type=float)
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
    run.go_on(minutes=settings.minutes, steps=settings.steps, learning_rate=args.learning_rate)
    print(f"{'resumed' if run.step else 'started'} at step {run.step} on {device}: {run.settings}", flush=True)
    processes = args.processes or (1 if device.type == "cpu" else _PROCESSES_FOR_A_GPU)
    feed = batches(args.mocap, run.batch_shape, seed=run.settings.seed, first_step=run.step, processes=processes)
    with feed as source:
        train(run, source, args.out, threads=Threads(args.threads), log=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
