"""The U-Net discriminator with spectral normalisation of Real-ESRGAN (Wang et al., arXiv 2107.10833, section 3.3).

Parameter names are those of Real-ESRGAN's `realesrgan/archs/discriminator_arch.py` (version 0.3.0).
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from realesrgan_arch.networks.layers import LEAKY_SLOPE, as_stored, check_sides

SIDE_MULTIPLE = 8
"""Three halvings and three doublings meet again in the skip connections only for such sides."""


class UNetDiscriminatorSN(nn.Module):
    """Judge every pixel; (B, C, H, W) in [0, 1] -> logits (B, 1, H, W), higher for a real photograph.

    Ten convolutions; the eight in the middle have spectral normalisation, whose buffers move in each training forward.
    """

    def __init__(self, *, num_in_ch: int = 3, num_feat: int = 64, skip_connection: bool = True) -> None:
        super().__init__()
        self.skip_connection = skip_connection
        self.conv0 = nn.Conv2d(num_in_ch, num_feat, 3, padding=1)
        self.conv1 = _halving(num_feat, num_feat * 2)
        self.conv2 = _halving(num_feat * 2, num_feat * 4)
        self.conv3 = _halving(num_feat * 4, num_feat * 8)
        self.conv4 = _same_size(num_feat * 8, num_feat * 4)
        self.conv5 = _same_size(num_feat * 4, num_feat * 2)
        self.conv6 = _same_size(num_feat * 2, num_feat)
        self.conv7 = _same_size(num_feat, num_feat)
        self.conv8 = _same_size(num_feat, num_feat)
        self.conv9 = nn.Conv2d(num_feat, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Raise `NetworkError` when the sides are not multiples of 8."""
        check_sides(x, multiple=SIDE_MULTIPLE, network="UNetDiscriminatorSN")
        full = _activate(self.conv0(x))
        half = _activate(self.conv1(full))
        quarter = _activate(self.conv2(half))
        features = _activate(self.conv3(quarter))
        for conv, skip in ((self.conv4, quarter), (self.conv5, half), (self.conv6, full)):
            features = _activate(conv(F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)))
            if self.skip_connection:
                features = features + skip
        features = _activate(self.conv8(_activate(self.conv7(features))))
        return as_stored(self.conv9, features)


def _activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAKY_SLOPE, inplace=True)


def _halving(num_in_ch: int, num_out_ch: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(num_in_ch, num_out_ch, 4, stride=2, padding=1, bias=False))


def _same_size(num_in_ch: int, num_out_ch: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(num_in_ch, num_out_ch, 3, padding=1, bias=False))
