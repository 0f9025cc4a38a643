"""Small pictures for these tests."""

import cv2
import numpy as np
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


def facets(side=192, seed=0):
    """Flat facets with sharp straight edges in muted colours, uint8 (side, side, 3)."""
    generator = np.random.default_rng(seed)
    picture = np.full((side, side, 3), 120, np.uint8)
    for _ in range(5):
        corners = generator.integers(0, side, (3, 2)).astype(np.int32)
        color = [int(level) for level in generator.integers(50, 200, 3)]
        cv2.fillConvexPoly(picture, corners, color)
    return picture
