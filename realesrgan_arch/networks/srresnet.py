"""SRResNet, the generator of SRGAN (Ledig et al., arXiv 1609.04802, figure 4).

No released weights fix the names of its parameters, so they follow RRDBNet's: `conv_first`, `body.0.conv1`, ...,
`conv_body`, `up.0.conv`, ..., `conv_last`. Weights of other projects get these names when they are loaded
(`weights/srresnet_layouts.py`).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realesrgan_arch.networks.layers import NetworkError, as_stored, compute_dtype
from realesrgan_arch.networks.spec import SRRESNET_SCALES

_WIDE_KERNEL = 9
"""Side of the first and the last convolution."""


class ResidualBlock(nn.Module):
    """Convolution, batch norm, PReLU, convolution, batch norm, and the sum; (B, F, H, W) -> (B, F, H, W)."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(num_feat)
        self.act = nn.PReLU()
        self.conv2 = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(num_feat)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` plus the block's difference; the sum stays in the precision of `x`."""
        features = self.act(self.bn1(self.conv1(x.to(compute_dtype(self.conv1)))))
        return x + self.bn2(self.conv2(features))


class PixelShuffleUp(nn.Module):
    """Twice the size: convolution, pixel shuffle, PReLU; (B, F, H, W) -> (B, F, 2 H, 2 W)."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(num_feat, num_feat * 4, 3, padding=1)
        self.act = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` at twice its size."""
        return self.act(F.pixel_shuffle(self.conv(x), 2))


class TanhOutput(nn.Module):
    """Map (-inf, inf) to (0, 1) by `(tanh + 1) / 2`.

    Its buffer is 1 and is not computed with: it stands in the state dict, so that every file of such a network says
    how the network ends, which no weight tells.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("tanh", torch.ones(1))

    def forward(self, image: Tensor) -> Tensor:
        """Return `image` in (0, 1)."""
        return (image.tanh() + 1) / 2


class SRResNet(nn.Module):
    """Magnify RGB images by `upscale`; (B, C, H, W) in [0, 1] -> (B, C, H * upscale, W * upscale), float32.

    Args:
        num_in_ch: colours of the input.
        num_out_ch: colours of the output.
        num_feat: channels inside.
        num_block: residual blocks.
        upscale: 1, 2 or 4, by one pixel shuffle for each doubling.
        body_end: what follows `conv_body`: `batch_norm`, as in the paper, or `prelu`, as in leftthomas/SRGAN.
        final: `none`, as in the paper, leaves the output unclamped; `tanh` maps it to (0, 1) by `(tanh + 1) / 2`, as
            some public SRGANs do.

    Raises:
        NetworkError: another scale.
    """

    def __init__(
        self,
        *,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_block: int = 16,
        upscale: int = 4,
        body_end: str = "batch_norm",
        final: str = "none",
    ) -> None:
        super().__init__()
        if upscale not in SRRESNET_SCALES:
            raise NetworkError(f"SRResNet magnifies by 1, 2 or 4, got upscale {upscale}.")
        self.scale = upscale
        self.conv_first = nn.Conv2d(num_in_ch, num_feat, _WIDE_KERNEL, padding=_WIDE_KERNEL // 2)
        self.act_first = nn.PReLU()
        self.body = nn.Sequential(*(ResidualBlock(num_feat) for _ in range(num_block)))
        self.conv_body = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        if body_end == "prelu":
            self.act_body = nn.PReLU()
        else:
            self.bn_body = nn.BatchNorm2d(num_feat)
        self.up = nn.Sequential(*(PixelShuffleUp(num_feat) for _ in range(int(math.log2(upscale)))))
        self.conv_last = nn.Conv2d(num_feat, num_out_ch, _WIDE_KERNEL, padding=_WIDE_KERNEL // 2)
        self.final = TanhOutput() if final == "tanh" else nn.Identity()

    @property
    def full_precision_layers(self) -> tuple[nn.Module, ...]:
        """The layer whose output is the picture, and batch norm: there rounding would show."""
        return (
            self.conv_last,
            *(layer for layer in self.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the magnified images."""
        dtype = compute_dtype(self.conv_first)
        first = self.act_first(self.conv_first(x.to(dtype)))
        end = self.act_body if hasattr(self, "act_body") else self.bn_body
        features = first + end(self.conv_body(self.body(first.float()).to(dtype)))
        return self.final(as_stored(self.conv_last, self.up(features)).float())
