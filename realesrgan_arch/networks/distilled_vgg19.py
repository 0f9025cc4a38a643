"""VGG19's features from a network that is small enough to travel.

It is VGG19 distilled to a quarter of its width, with 1x1 heads that restore the true width at conv1_1, 2_1, 3_1, 4_1
and 5_1 (Wang et al., "Collaborative distillation for ultra-resolution universal style transfer", CVPR 2020, arXiv
2003.08436; `vgg19_distilled_se5.pth` of MingSun-Tse/Collaborative-Distillation).
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NETWORK_FILE = "vgg19_distilled_se5.pth"
LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
"""Its maps in order; each is half as wide and high as the one before."""

_BLOCKS = ((1, 2, 16, 64), (2, 2, 32, 128), (3, 4, 64, 256), (4, 4, 128, 512), (5, 1, 128, 512))
"""Number, convolutions, their channels, and those of the head on the first of them."""
CHANNELS = tuple(head for *_, head in _BLOCKS)
"""Of each map, when it is as wide as VGG19's."""


class DistilledVgg19(nn.Module):
    """The features of VGG19's conv1_1 ... conv5_1, after ReLU, by a network of a quarter of its width.

    The names of its tensors are those of `NETWORK_FILE`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 3, 1)
        channels = 3
        for block, convolutions, width, head in _BLOCKS:
            for index in range(1, convolutions + 1):
                self.add_module(f"conv{block}{index}", nn.Conv2d(channels, width, 3))
                channels = width
            self.add_module(f"conv{block}1_aux", nn.Conv2d(width, head, 1))

    def forward(self, image: Tensor) -> Iterator[Tensor]:
        """Yield the narrow maps of RGB (B, 3, H, W) in [0, 1] as (B, h, w, channels), each when it is asked for.

        H and W are 32 or more, or 2^n where no map after the n-th is asked for.
        """
        features = image
        for block, convolutions, _, _ in _BLOCKS:
            for index in range(1, convolutions + 1):
                padded = F.pad(features, (1, 1, 1, 1), mode="reflect")
                features = F.relu_(F.conv2d(padded, *self._convolution(block, index)))
                if index == 1:
                    yield features.permute(0, 2, 3, 1)
            features = F.max_pool2d(features, 2)

    def widen(self, level: int, pixels: Tensor) -> Tensor:
        """Return (..., channels) of the narrow map `level` as (..., channels of VGG19), by the head of that map."""
        head = self._named(f"conv{level + 1}1_aux")
        # As one matrix: the backward pass of more dimensions differs for a batch of one, and so could not be planned.
        wide = F.relu_(F.linear(pixels.flatten(0, -2), head.weight.flatten(1), head.bias))
        return wide.view(*pixels.shape[:-1], -1)

    def _convolution(self, block: int, index: int) -> tuple[Tensor, Tensor | None]:
        named = self._named(f"conv{block}{index}")
        if (block, index) != (1, 1):
            return named.weight, named.bias
        # conv0 only mixes colours, and so the first convolution can do it too; a reflected border is mixed alike.
        before = self.conv0.weight.flatten(1)
        shift = torch.einsum("oikl,i->o", named.weight, self._bias(self.conv0))
        weight = torch.einsum("oikl,ij->ojkl", named.weight, before).contiguous(memory_format=torch.channels_last)
        return weight, self._bias(named) + shift

    def _named(self, name: str) -> nn.Conv2d:
        return getattr(self, name)

    @staticmethod
    def _bias(convolution: nn.Conv2d) -> Tensor:
        return convolution.bias if convolution.bias is not None else torch.zeros(convolution.out_channels)
