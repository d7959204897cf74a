"""A training run's settings and state: what is saved, resumed and exported."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from liftline.skeletons import H36M17_FEET_HANDS
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.features import FEATURES
from liftline_lifter.lifting.network import TemporalModel
from training._batches import BatchShape
from training._widen import reading_features, widened
from training.losses import LossWeights

STATE_FILE, LOG_FILE = "state.pt", "log.jsonl"


@dataclass(frozen=True)
class Settings:
    """Everything that shapes a run.

    The learning rate warms up, stays, and over the last `cool_down` of `minutes` of training, or of `steps` where
    given, falls to a hundredth: until then a run can be made longer at any time. `pairs` of the windows are also seen
    `pair_frames` later, for velocities.
    """

    filter_widths: tuple[int, ...] = (3, 3, 3, 3)
    channels: int = 768
    causal: bool = False
    dropout: float = 0.0
    windows: int = 128
    poses_per_window: int = 3
    pairs: int = 16
    pair_frames: int = 2
    learning_rate: float = 8e-4
    weight_decay: float = 0.01
    warm_up_steps: int = 300
    cool_down: float = 0.3
    average: float = 0.9995
    weights: LossWeights = field(default_factory=LossWeights)
    seed: int = 1
    minutes: float = 600.0
    steps: int | None = None

    @classmethod
    def for_device(cls, device: torch.device) -> Settings:
        """The best network for it: ten hours on two CPU cores, or two hours on a GPU."""
        if device.type == "cpu":
            return cls()
        return cls(channels=1024, windows=512, pairs=64, dropout=0.1, minutes=120.0)

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Settings:
        """Settings as `Run.save` wrote them."""
        widths, weights = tuple(saved["filter_widths"]), LossWeights(**saved["weights"])
        return cls(**saved | {"filter_widths": widths, "weights": weights})


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
            wide = widened(reading_features(start_from.pose_model), settings.channels, settings.seed)
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

    @property
    def batch_shape(self) -> BatchShape:
        """The batches that this run's network learns from."""
        own = self.settings
        return BatchShape(
            own.windows, own.poses_per_window, self.model.stride, self.model.padding, own.pairs, own.pair_frames
        )

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
        run = cls.start(Settings.read(state["settings"]), device)
        run.model.load_state_dict(state["model"])
        run.average.load_state_dict(state["average"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.step, run.elapsed_s, run.began_as = state["step"], state["elapsed_s"], state["began_as"]
        torch.set_rng_state(state["random"])
        return run

    def go_on(self, *, minutes: float, steps: int | None, learning_rate: float | None) -> None:
        """Go on for so long, and at another learning rate where one is given."""
        rate = self.settings.learning_rate if learning_rate is None else learning_rate
        self.settings = replace(self.settings, minutes=minutes, steps=steps, learning_rate=rate)


def _network(settings: Settings) -> TemporalModel:
    return TemporalModel(
        settings.filter_widths, settings.channels, joints_out=len(H36M17_FEET_HANDS), features_in=FEATURES,
        causal=settings.causal, dropout=settings.dropout,
    )  # fmt: skip


def _origin(checkpoint: LifterCheckpoint) -> str:
    return f"weights {checkpoint.sha256[:12]} of {checkpoint.pose_model.channels} channels ({checkpoint.training})"


def learning_rate(settings: Settings, step: int, progress: float) -> float:
    """Linear warm-up (of a short run, a twentieth), level, then a cosine down to a hundredth."""
    warm_up_steps = min(settings.warm_up_steps, (settings.steps or math.inf) / 20)
    warm_up = min(1.0, (step + 1) / warm_up_steps)
    falling = max(0.0, (progress - 1 + settings.cool_down) / settings.cool_down) if settings.cool_down else 0.0
    return settings.learning_rate * warm_up * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * falling)))
