"""RRDBNet, the generator of ESRGAN (Wang et al., arXiv 1809.00219) and Real-ESRGAN (Wang et al., arXiv 2107.10833).

Parameter names and initialisation are BasicSR's (`basicsr/archs/rrdbnet_arch.py`, BasicSR 1.4.2), so released weights
load strictly.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from realesrgan_arch.networks.layers import LEAKY_SLOPE, NetworkError, as_stored, check_sides, compute_dtype

RESIDUAL_SCALE = 0.2
UNSHUFFLE_BY_SCALE = {4: 1, 2: 2, 1: 4}
"""The body always magnifies by 4; a smaller scale first folds pixels into channels."""

_INIT_SCALE = 0.1  # small weights keep 69 stacked residual blocks near the identity at the start (ESRGAN, section 3.1)


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each of which sees the outputs of all before it; (B, F, H, W) -> (B, F, H, W)."""

    def __init__(self, *, num_feat: int, num_grow_ch: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_feat, num_grow_ch, 3, padding=1)
        self.conv2 = nn.Conv2d(num_feat + num_grow_ch, num_grow_ch, 3, padding=1)
        self.conv3 = nn.Conv2d(num_feat + 2 * num_grow_ch, num_grow_ch, 3, padding=1)
        self.conv4 = nn.Conv2d(num_feat + 3 * num_grow_ch, num_grow_ch, 3, padding=1)
        self.conv5 = nn.Conv2d(num_feat + 4 * num_grow_ch, num_feat, 3, padding=1)
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            _init_residual(conv)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` plus a fifth of what the dense convolutions make of it."""
        features = x.to(compute_dtype(self.conv1))
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            grown = F.leaky_relu(conv(features), LEAKY_SLOPE, inplace=True)
            features = torch.cat((features, grown), 1)
        return torch.add(x, self.conv5(features), alpha=RESIDUAL_SCALE)


class RRDB(nn.Module):
    """Residual in residual dense block; (B, F, H, W) -> (B, F, H, W)."""

    def __init__(self, *, num_feat: int, num_grow_ch: int) -> None:
        super().__init__()
        self.rdb1 = ResidualDenseBlock(num_feat=num_feat, num_grow_ch=num_grow_ch)
        self.rdb2 = ResidualDenseBlock(num_feat=num_feat, num_grow_ch=num_grow_ch)
        self.rdb3 = ResidualDenseBlock(num_feat=num_feat, num_grow_ch=num_grow_ch)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` plus a fifth of the three dense blocks' output."""
        return torch.add(x, self.rdb3(self.rdb2(self.rdb1(x))), alpha=RESIDUAL_SCALE)


class RRDBNet(nn.Module):
    """Magnify RGB images by `scale` (4, 2 or 1); (B, C, H, W) in [0, 1] -> (B, C, H * scale, W * scale), unclamped.

    `checkpointing` recomputes each RRDB in the backward pass of training instead of keeping its activations.
    """

    def __init__(
        self,
        *,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        scale: int = 4,
        num_feat: int = 64,
        num_block: int = 23,
        num_grow_ch: int = 32,
        checkpointing: bool = False,
    ) -> None:
        """Raise `NetworkError` for a scale other than 4, 2 and 1."""
        super().__init__()
        if scale not in UNSHUFFLE_BY_SCALE:
            raise NetworkError(f"RRDBNet magnifies by 4, 2 or 1, got scale {scale}.")
        self.scale = scale
        self.checkpointing = checkpointing
        self._unshuffle = UNSHUFFLE_BY_SCALE[scale]
        self.conv_first = nn.Conv2d(num_in_ch * self._unshuffle**2, num_feat, 3, padding=1)
        self.body = nn.Sequential(*(RRDB(num_feat=num_feat, num_grow_ch=num_grow_ch) for _ in range(num_block)))
        self.conv_body = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.conv_up1 = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.conv_up2 = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.conv_hr = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.conv_last = nn.Conv2d(num_feat, num_out_ch, 3, padding=1)

    @property
    def full_precision_layers(self) -> tuple[nn.Module, ...]:
        """The layers that stay float32 in lower precision: their rounding would be seen in the picture."""
        return (self.conv_last,)

    def forward(self, x: Tensor) -> Tensor:
        """Raise `NetworkError` when the sides are not multiples of 2 (scale 2) or 4 (scale 1)."""
        check_sides(x, multiple=self._unshuffle, network=f"RRDBNet x{self.scale}")
        dtype = compute_dtype(self.conv_first)
        shallow = self.conv_first(F.pixel_unshuffle(x, self._unshuffle).to(dtype))
        deep = self.conv_body(self._run_body(shallow.float()).to(dtype))
        features = shallow + deep
        for conv in (self.conv_up1, self.conv_up2):
            features = F.leaky_relu(conv(F.interpolate(features, scale_factor=2.0)), LEAKY_SLOPE, inplace=True)
        features = F.leaky_relu(self.conv_hr(features), LEAKY_SLOPE, inplace=True)
        return as_stored(self.conv_last, features).float()

    def _run_body(self, features: Tensor) -> Tensor:
        if not (self.checkpointing and self.training and torch.is_grad_enabled()):
            return self.body(features)
        for block in self.body:
            # Nothing in a block is random, so the random state need not be kept.
            features = checkpoint(block, features, use_reentrant=False, preserve_rng_state=False)
        return features


@torch.no_grad()
def _init_residual(conv: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(conv.weight).mul_(_INIT_SCALE)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
