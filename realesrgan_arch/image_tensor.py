"""Pixels of files <-> tensors in [0, 1].

torch is imported where a tensor is made: commands that only look at files do not wait for it.
"""

from typing import TYPE_CHECKING, Literal

import numpy as np

from realesrgan_arch.image_formats import Pixels

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(pixels: Pixels) -> "Tensor":
    """Return uint8 or uint16 pixels (H, W, 3) as float32 (3, H, W) in [0, 1]; the depth is decided by the dtype."""
    import torch

    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    if planes.dtype == np.uint8:
        return torch.from_numpy(planes).float().div_(255)
    return torch.from_numpy(planes.astype(np.float32)).div_(65535)


def from_tensor(image: "Tensor", *, bits: Literal[8, 16] = 8) -> Pixels:
    """Return (3, H, W) in [0, 1] as uint8 or uint16 pixels (H, W, 3): clamped, rounded half to even, as upstream."""
    return to_uint8(image) if bits == 8 else to_uint16(image)


def to_uint8(image: "Tensor") -> Pixels:
    """Return (3, H, W) in [0, 1] as uint8 pixels (H, W, 3): clamped, rounded half to even."""
    scaled = image.detach().float().clamp(0, 1).mul(255).round_().byte()
    return scaled.permute(1, 2, 0).contiguous().cpu().numpy()


def to_uint16(image: "Tensor") -> Pixels:
    """Return (3, H, W) in [0, 1] as uint16 pixels (H, W, 3): clamped, rounded half to even."""
    scaled = image.detach().float().clamp(0, 1).mul(65535).round_()
    return scaled.permute(1, 2, 0).contiguous().cpu().numpy().astype(np.uint16)
