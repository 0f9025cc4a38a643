"""Bicubic magnification as MATLAB's `imresize` does it: the yardstick of every super-resolution table."""

import torch
import torch.nn.functional as F
from torch import Tensor

_REACH = 2
"""Pixels that the cubic kernel sees beyond an edge."""


def magnify_bicubic(image: Tensor, *, scale: int) -> Tensor:
    """Return `image` (3, H, W) in [0, 1] as (3, H * scale, W * scale), clamped to [0, 1].

    Keys' cubic kernel with a = -0.5 and mirrored edges; torch's own `bicubic` has a = -0.75 unless it antialiases,
    which changes nothing when magnifying.
    """
    height, width = image.shape[1:]
    mirrored = image[:, _mirrored_indices(height)][:, :, _mirrored_indices(width)]
    size = [(side + 2 * _REACH) * scale for side in (height, width)]
    magnified = F.interpolate(mirrored[None], size=size, mode="bicubic", antialias=True)[0]
    margin = _REACH * scale
    return magnified[:, margin:-margin, margin:-margin].clamp(0, 1)


def _mirrored_indices(length: int) -> Tensor:
    """Indices of a line that is mirrored about its outer pixel edges: 1 0 | 0 1 2 | 2 1."""
    indices = torch.arange(-_REACH, length + _REACH)
    indices = torch.where(indices < 0, -1 - indices, indices)
    return torch.where(indices >= length, 2 * length - 1 - indices, indices).clamp(0, length - 1)
