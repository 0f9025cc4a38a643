"""Small pictures for these tests."""

import torch
from torch.nn import functional as F


def smooth_picture(batch, height, width, *, seed=0):
    """Return edges and gradients (B, 3, H, W) in [0, 1], so that sharpening and JPEG have something to act on."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, 7, 7, generator=generator)
    return F.interpolate(coarse, size=(height, width), mode="bicubic").mul(1.4).sub(0.2).clamp(0, 1)


def rough_picture(batch, height, width, *, seed=0):
    """Return independent pixels (B, 3, H, W) in [0, 1]."""
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))
