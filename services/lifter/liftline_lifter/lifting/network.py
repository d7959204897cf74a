"""The temporal convolution network that lifts 2D keypoints to 3D joints.

Architecture: Pavllo, Feichtenhofer, Grangier, Auli, "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019. Parameter names and shapes are those of the authors' release, so its weights
load here; the code is our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from liftline.skeletons import COCO17, H36M17

JOINTS_IN, JOINTS_OUT = len(COCO17), len(H36M17)


class TemporalModel(nn.Module):
    """2D keypoints over time -> 3D joints.

    One set of parameters has two forms: `forward` is dense and slides over a whole track with dilated convolutions;
    `forward_windows` computes a few frames of each window at the least cost, and is what training uses.

    Args:
        filter_widths: frames each block looks at, odd; their product is the receptive field.
        channels: width of the hidden layers.
        joints_out: `JOINTS_OUT` for poses, 1 for the root's trajectory.
        features_in: numbers of each frame that it reads; x and y of 17 keypoints unless given.
        causal: look at past frames only.
        dropout: probability, in training mode only.
    """

    def __init__(
        self,
        filter_widths: Sequence[int],
        channels: int,
        *,
        joints_out: int = JOINTS_OUT,
        features_in: int = 2 * JOINTS_IN,
        causal: bool = False,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        if not filter_widths or any(width < 1 or width % 2 == 0 for width in filter_widths):
            raise ValueError(f"filter widths must be odd and positive, not {list(filter_widths)}")
        self.filter_widths = tuple(filter_widths)
        self.channels = channels
        self.joints_out = joints_out
        self.features_in = features_in
        self.causal = causal
        self.dropout = dropout
        self.expand_conv = nn.Conv1d(features_in, channels, filter_widths[0], bias=False)
        self.expand_bn = nn.BatchNorm1d(channels)
        self.layers_conv = nn.ModuleList()
        self.layers_bn = nn.ModuleList()
        for block, width in enumerate(self.filter_widths[1:], start=1):
            dilation = prod(self.filter_widths[:block])
            self.layers_conv.append(nn.Conv1d(channels, channels, width, dilation=dilation, bias=False))
            self.layers_conv.append(nn.Conv1d(channels, channels, 1, bias=False))
            self.layers_bn.extend([nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)])
        self.shrink = nn.Conv1d(channels, joints_out * 3, 1)

    @property
    def receptive_field(self) -> int:
        """Frames of input that one frame of output depends on."""
        return prod(self.filter_widths)

    @property
    def pad(self) -> int:
        """Frames to add at each side of a track so that every frame gets an output."""
        return (self.receptive_field - 1) // 2

    @property
    def padding(self) -> tuple[int, int]:
        """Frames to add before and after a track: `pad` each, or all before it for a causal network."""
        return (2 * self.pad, 0) if self.causal else (self.pad, self.pad)

    def forward(self, keypoints: Tensor) -> Tensor:
        """(B, T + receptive_field - 1, ...) -> (B, T, joints_out, 3) metres.

        What is read of a frame is (17, 2) normalised keypoints, or (features_in,).
        """
        self._check(keypoints)
        hidden = keypoints.flatten(2).transpose(1, 2)
        hidden = self._activate(self.expand_bn, self.expand_conv(hidden))
        for block, width in enumerate(self.filter_widths[1:], start=1):
            margin = (width - 1) * prod(self.filter_widths[:block])
            before, after = (margin, 0) if self.causal else (margin // 2, margin // 2)
            residual = hidden[:, :, before : hidden.shape[2] - after]
            wide, narrow = 2 * block - 2, 2 * block - 1
            hidden = self._activate(self.layers_bn[wide], self.layers_conv[wide](hidden))
            hidden = residual + self._activate(self.layers_bn[narrow], self.layers_conv[narrow](hidden))
        joints: Tensor = self.shrink(hidden).transpose(1, 2)
        return joints.reshape(*joints.shape[:2], self.joints_out, 3)

    @property
    def stride(self) -> int:
        """Frames between two outputs of `forward_windows`: what the last block's taps are apart."""
        return self.receptive_field // self.filter_widths[-1]

    def forward_windows(self, keypoints: Tensor) -> Tensor:
        """What `forward` gives for every `stride`-th frame, without computing the frames between.

        Convolutions whose stride is their width are matrix products over blocks of frames. Only the last block's
        overlap, so outputs of a longer window share most of the work.

        Args:
            keypoints: (B, receptive_field + k * stride, ...) as for `forward`.

        Returns:
            (B, k + 1, joints_out, 3) metres.
        """
        self._check(keypoints)
        if (keypoints.shape[1] - self.receptive_field) % self.stride:
            raise ValueError(
                f"{keypoints.shape[1]} frames aren't {self.receptive_field} and a multiple of {self.stride}"
            )
        expand = _strided if len(self.filter_widths) > 1 else _overlapping
        hidden = self._activate_rows(self.expand_bn, expand(keypoints.flatten(2), self.expand_conv))
        for block, width in enumerate(self.filter_widths[1:], start=1):
            last = block == len(self.filter_widths) - 1
            before = width - 1 if self.causal else width // 2
            after = hidden.shape[1] - (width - 1 - before)
            residual = hidden[:, before : after : 1 if last else width]
            wide, narrow = 2 * block - 2, 2 * block - 1
            hidden = _overlapping(hidden, self.layers_conv[wide]) if last else _strided(hidden, self.layers_conv[wide])
            hidden = self._activate_rows(self.layers_bn[wide], hidden)
            hidden = self._activate_rows(self.layers_bn[narrow], _strided(hidden, self.layers_conv[narrow]))
            hidden = residual + hidden
        with torch.autocast(hidden.device.type, enabled=False):  # millimetres of a metre are lost in bfloat16
            joints = functional.linear(hidden.float(), self.shrink.weight[:, :, 0], self.shrink.bias)
        return joints.reshape(*joints.shape[:2], self.joints_out, 3)

    def _activate(self, norm: nn.Module, hidden: Tensor) -> Tensor:
        return functional.dropout(functional.relu(norm(hidden)), self.dropout, self.training)

    def _activate_rows(self, norm: nn.Module, hidden: Tensor) -> Tensor:
        rows = self._activate(norm, hidden.flatten(0, 1))
        return rows.reshape(hidden.shape)

    def _check(self, keypoints: Tensor) -> None:
        own = (JOINTS_IN, 2) if self.features_in == 2 * JOINTS_IN else (self.features_in,)
        if tuple(keypoints.shape[2:]) != own:
            wanted = ", ".join(map(str, own))
            raise ValueError(f"keypoints must be (batch, frames, {wanted}), not {tuple(keypoints.shape)}")
        if keypoints.shape[1] < self.receptive_field:
            raise ValueError(f"{keypoints.shape[1]} frames are fewer than the {self.receptive_field} the network sees")


def _strided(frames: Tensor, conv: nn.Module) -> Tensor:
    """(B, T, C) -> (B, T / k, C'): `conv` of width k applied to every k-th frame, without overlap."""
    weight: Tensor = conv.weight  # type: ignore[assignment]
    blocks = frames.reshape(len(frames), -1, weight.shape[2] * frames.shape[2])
    return functional.linear(blocks, weight.transpose(1, 2).flatten(1))


def _overlapping(frames: Tensor, conv: nn.Module) -> Tensor:
    """(B, T, C) -> (B, T - k + 1, C'): `conv` of width k applied to every frame."""
    weight: Tensor = conv.weight  # type: ignore[assignment]
    width = weight.shape[2]
    taps = [frames[:, tap : frames.shape[1] - width + 1 + tap] for tap in range(width)]
    return functional.linear(torch.cat(taps, dim=2), weight.transpose(1, 2).flatten(1))
