"""A small discriminator of patches with spectral normalisation, to be trained from scratch beside a fine-tune.

The fully convolutional judge of pix2pix (Isola et al., arXiv 1611.07004, section 3.2.2 and appendix 6.1.2) with the
spectral normalisation of Miyato et al. (arXiv 1802.05957) in place of batch norm.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from realesrgan_arch.networks.layers import LEAKY_SLOPE, as_stored, check_sides

_WIDEST = 256


class PatchDiscriminatorSN(nn.Module):
    """Judge patches; (B, C, H, W) in [0, 1] -> logits (B, 1, H / s, W / s), s = unshuffle * 2 ** depth.

    A logit sees a square of 7 s pixels: 56 with `depth` 3 and `unshuffle` 1.

    Args:
        num_in_ch: colours.
        num_feat: channels after the first convolution; each halving doubles them, up to 256.
        depth: halvings, each a 4x4 convolution.
        unshuffle: 1, 2 or 4: squares of so many pixels are folded into channels first, which makes everything after it
            4 or 16 times as cheap.
    """

    def __init__(self, *, num_in_ch: int = 3, num_feat: int = 32, depth: int = 3, unshuffle: int = 1) -> None:
        super().__init__()
        self.unshuffle = unshuffle
        self.stride = unshuffle * 2**depth
        self.conv_first = nn.Conv2d(num_in_ch * unshuffle**2, num_feat, 3, padding=1)
        widths = [num_feat]
        for _ in range(depth):
            widths.append(min(2 * widths[-1], _WIDEST))
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(few, many, 4, stride=2, padding=1, bias=False))
            for few, many in zip(widths, widths[1:], strict=False)
        )
        self.conv_body = spectral_norm(nn.Conv2d(widths[-1], widths[-1], 3, padding=1, bias=False))
        self.conv_last = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Raise `NetworkError` when the sides are not multiples of s."""
        check_sides(x, multiple=self.stride, network="PatchDiscriminatorSN")
        features = F.pixel_unshuffle(x, self.unshuffle) if self.unshuffle > 1 else x
        for conv in (self.conv_first, *self.down, self.conv_body):
            features = F.leaky_relu(conv(features), LEAKY_SLOPE, inplace=True)
        return as_stored(self.conv_last, features)
