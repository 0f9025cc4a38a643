"""SRResNet, the generator of SRGAN (Ledig et al., arXiv 1609.04802, figure 4).

No released weights fix the names of its parameters, so they follow RRDBNet's: `conv_first`, `body.0.conv1`, ...,
`conv_body`, `up.0.conv`, ..., `conv_last`.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from realesrgan_arch.networks.layers import NetworkError, as_stored, compute_dtype

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
        """Return `x` plus the block's difference."""
        return x + self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))


class PixelShuffleUp(nn.Module):
    """Twice the size: convolution, pixel shuffle, PReLU; (B, F, H, W) -> (B, F, 2 H, 2 W)."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(num_feat, num_feat * 4, 3, padding=1)
        self.act = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` at twice its size."""
        return self.act(F.pixel_shuffle(self.conv(x), 2))


class SRResNet(nn.Module):
    """Magnify RGB images by `upscale`; (B, C, H, W) in [0, 1] -> (B, C, H * upscale, W * upscale), float32.

    Args:
        num_in_ch: colours of the input.
        num_out_ch: colours of the output.
        num_feat: channels inside.
        num_block: residual blocks.
        upscale: 1, 2 or 4, by one pixel shuffle for each doubling.
        final: `none`, as in the paper, leaves the output unclamped; `tanh` maps it to (0, 1) by `(tanh + 1) / 2`, as
            some public SRGANs do.

    Raises:
        NetworkError: a scale that is no power of two.
    """

    def __init__(
        self,
        *,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_block: int = 16,
        upscale: int = 4,
        final: str = "none",
    ) -> None:
        super().__init__()
        if upscale not in (1, 2, 4):
            raise NetworkError(f"SRResNet enlarges by 1, 2 or 4, got {upscale}.")
        self.scale = upscale
        self.final = final
        self.conv_first = nn.Conv2d(num_in_ch, num_feat, _WIDE_KERNEL, padding=_WIDE_KERNEL // 2)
        self.act_first = nn.PReLU()
        self.body = nn.Sequential(*(ResidualBlock(num_feat) for _ in range(num_block)))
        self.conv_body = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.bn_body = nn.BatchNorm2d(num_feat)
        self.up = nn.Sequential(*(PixelShuffleUp(num_feat) for _ in range(int(math.log2(upscale)))))
        self.conv_last = nn.Conv2d(num_feat, num_out_ch, _WIDE_KERNEL, padding=_WIDE_KERNEL // 2)

    @property
    def full_precision_layers(self) -> tuple[nn.Module, ...]:
        """The layer whose output is the picture: there rounding would show."""
        return (self.conv_last,)

    def forward(self, x: Tensor) -> Tensor:
        """Return the magnified images."""
        first = self.act_first(self.conv_first(x.to(compute_dtype(self))))
        features = first + self.bn_body(self.conv_body(self.body(first)))
        image = as_stored(self.conv_last, self.up(features)).float()
        return (image.tanh() + 1) / 2 if self.final == "tanh" else image
