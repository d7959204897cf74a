"""Give a trained network more channels, or more to read and give: it goes on from what it knows, not from nothing.

Net2WiderNet (Chen, Goodfellow, Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016): new
channels are copies of old ones, and whoever reads a channel shares its weight out among the copies, at random, so that
they learn different things. The wider network computes what the narrow one did.
"""

from __future__ import annotations

import torch
from torch import Tensor

from liftline.skeletons import H36M17, H36M17_FEET_HANDS
from liftline_lifter.lifting.features import FEATURES
from liftline_lifter.lifting.network import TemporalModel

_SHARES = (-0.5, 1.5)
"""A copy's share of a weight; the original keeps the rest."""


def widened(narrow: TemporalModel, channels: int, seed: int) -> TemporalModel:
    """A network of `channels` channels, up to twice as many, that gives what `narrow` gives.

    Raises:
        ValueError: not between one and two times as many.
    """
    copies = channels - narrow.channels
    if not 0 <= copies <= narrow.channels:
        raise ValueError(f"{narrow.channels} channels can become up to twice as many, not {channels}")
    random = torch.Generator().manual_seed(seed)
    copied = torch.randperm(narrow.channels, generator=random)[:copies]
    wide = TemporalModel(
        narrow.filter_widths, channels, joints_out=narrow.joints_out, features_in=narrow.features_in,
        causal=narrow.causal, dropout=narrow.dropout,
    )  # fmt: skip
    state = {}
    for name, values in narrow.state_dict().items():
        if name.startswith(("layers_conv", "shrink.weight")):
            values = _shared_out(values, copied, random)
        written_by_channel = not name.startswith("shrink") and values.ndim > 0
        state[name] = torch.cat([values, values[copied]]) if written_by_channel else values
    wide.load_state_dict(state)
    return wide


def reading_features(old: TemporalModel) -> TemporalModel:
    """A network that reads `features.FEATURES` and gives `H36M17_FEET_HANDS`, as `old` gives Human3.6M-17.

    What it didn't read it doesn't heed yet; feet and hands are where ankles and wrists are. One that does so already
    is given back.
    """
    if old.features_in == FEATURES:
        return old
    new = TemporalModel(
        old.filter_widths, old.channels, joints_out=len(H36M17_FEET_HANDS), features_in=FEATURES, causal=old.causal,
        dropout=old.dropout,
    )  # fmt: skip
    state = dict(old.state_dict())
    expand = torch.zeros_like(new.expand_conv.weight)
    expand[:, : old.features_in] = state["expand_conv.weight"]
    joints = [*range(len(H36M17)), *H36M17_FEET_HANDS.parents[len(H36M17) :]]
    state["expand_conv.weight"] = expand
    for name in ("shrink.weight", "shrink.bias"):
        state[name] = state[name].unflatten(0, (len(H36M17), 3))[joints].flatten(0, 1)
    new.load_state_dict(state)
    return new


def _shared_out(weights: Tensor, copied: Tensor, random: torch.Generator) -> Tensor:
    """(O, I, K) weights -> (O, I + copies, K) that sum to them over every channel and its copy."""
    low, high = _SHARES
    share = low + (high - low) * torch.rand((len(weights), len(copied), 1), generator=random)
    given = weights[:, copied] * share
    kept = weights.clone()
    kept[:, copied] -= given
    return torch.cat([kept, given], dim=1)
