"""Discriminators in the style of VGG, which judge a whole crop of one size: SRGAN's own and BasicSR's.

`SRGANDiscriminator` is that of Ledig et al. (arXiv 1609.04802, figure 4), eight convolutions, which ESRGAN (Wang et
al., arXiv 1809.00219) uses for 128 px crops. `VGGStyleDiscriminator` has the names and layers of BasicSR's
(`basicsr/archs/discriminator_arch.py`, BasicSR 1.4.2), ten convolutions for 128 px and twelve for 256 px.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from realesrgan_arch.networks.layers import LEAKY_SLOPE, NetworkError, as_stored, compute_dtype
from realesrgan_arch.networks.spec import SRGAN_STRIDE, VGG_STYLE_SIZES

_SRGAN_WIDTHS = (1, 1, 2, 2, 4, 4, 8, 8)
_SRGAN_HIDDEN = 1024
_BASICSR_HIDDEN = 100
_BASICSR_WIDTHS = (1, 2, 4, 8, 8, 8)
_BASICSR_END = 4
"""Side of the features that BasicSR's dense layers see."""


class SRGANDiscriminator(nn.Module):
    """Judge crops of `input_size`; (B, C, input_size, input_size) in [0, 1] -> logits (B, 1), higher for a real one.

    Raises:
        NetworkError: a size that is no multiple of 16.
    """

    def __init__(self, *, num_in_ch: int = 3, num_feat: int = 64, input_size: int = 96) -> None:
        super().__init__()
        if input_size % SRGAN_STRIDE:
            raise NetworkError(f"SRGANDiscriminator needs an input_size that {SRGAN_STRIDE} divides, got {input_size}.")
        self.input_size = input_size
        layers: list[nn.Module] = []
        channels = num_in_ch
        for index, width in enumerate(_SRGAN_WIDTHS):
            # The bias of a convolution before a batch norm has no effect.
            layers.append(nn.Conv2d(channels, num_feat * width, 3, stride=1 + index % 2, padding=1, bias=index == 0))
            channels = num_feat * width
            if index > 0:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
        self.features = nn.Sequential(*layers)
        self.linear1 = nn.Linear(channels * (input_size // SRGAN_STRIDE) ** 2, _SRGAN_HIDDEN)
        self.linear2 = nn.Linear(_SRGAN_HIDDEN, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Raise `NetworkError` for crops of another size."""
        _check_size(self, x, self.input_size)
        features = self.features(x.to(compute_dtype(self))).flatten(1)
        return as_stored(self.linear2, F.leaky_relu(self.linear1(features), LEAKY_SLOPE))


class VGGStyleDiscriminator(nn.Module):
    """Judge crops of 128 or 256 px; (B, C, input_size, input_size) in [0, 1] -> logits (B, 1), higher for a real one.

    Raises:
        NetworkError: another `input_size`.
    """

    def __init__(self, *, num_in_ch: int = 3, num_feat: int = 64, input_size: int = 128) -> None:
        super().__init__()
        if input_size not in VGG_STYLE_SIZES:
            raise NetworkError(f"VGGStyleDiscriminator has an input_size of 128 or 256, got {input_size}.")
        self.input_size = input_size
        self._num_stages = 5 if input_size == VGG_STYLE_SIZES[0] else 6
        channels = num_in_ch
        for stage, width in enumerate(_BASICSR_WIDTHS[: self._num_stages]):
            wide = num_feat * width
            self.add_module(f"conv{stage}_0", nn.Conv2d(channels, wide, 3, padding=1, bias=stage == 0))
            if stage > 0:
                self.add_module(f"bn{stage}_0", nn.BatchNorm2d(wide))
            self.add_module(f"conv{stage}_1", nn.Conv2d(wide, wide, 4, stride=2, padding=1, bias=False))
            self.add_module(f"bn{stage}_1", nn.BatchNorm2d(wide))
            channels = wide
        self.linear1 = nn.Linear(channels * _BASICSR_END**2, _BASICSR_HIDDEN)
        self.linear2 = nn.Linear(_BASICSR_HIDDEN, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Raise `NetworkError` for crops of another size."""
        _check_size(self, x, self.input_size)
        features = x.to(compute_dtype(self))
        for stage in range(self._num_stages):
            for half in range(2):
                features = self.get_submodule(f"conv{stage}_{half}")(features)
                if stage or half:
                    features = self.get_submodule(f"bn{stage}_{half}")(features)
                features = F.leaky_relu(features, LEAKY_SLOPE, inplace=True)
        return as_stored(self.linear2, F.leaky_relu(self.linear1(features.flatten(1)), LEAKY_SLOPE))


def _check_size(network: nn.Module, x: Tensor, size: int) -> None:
    if x.shape[-2:] != (size, size):
        height, width = x.shape[-2:]
        raise NetworkError(
            f"{type(network).__name__} was built for crops of {size}x{size}, got {width}x{height} (width x height): "
            "give network_d.input_size the size of the crops."
        )
