"""What the networks share: the error for impossible inputs, and the precision in which a layer computes.

A network computes in the precision of its weights; `build.lower_precision` changes it and spares the layers where
rounding shows. Images go in as float32 and come out as float32 in every case, and the sums of RRDBNet's blocks stay
float32, because a bfloat16 sum keeps only 8 bits.
"""

import torch
from torch import Tensor, nn

from realesrgan_arch.errors import UserError

LEAKY_SLOPE = 0.2
"""Negative slope of every LeakyReLU in ESRGAN and Real-ESRGAN."""


class NetworkError(UserError):
    """A network that cannot be built, or an image that cannot enter it."""


def check_sides(image: Tensor, *, multiple: int, network: str) -> None:
    """Raise `NetworkError` unless both sides of `image` (..., H, W) are multiples of `multiple`."""
    height, width = image.shape[-2:]
    if height % multiple or width % multiple:
        raise NetworkError(
            f"{network} needs image sides that are multiples of {multiple}, got {width}x{height} (width x height): "
            "pad or crop the image first."
        )


def compute_dtype(layer: nn.Module) -> torch.dtype:
    """Return the dtype in which `layer` will compute: autocast's where it is on, else that of its first parameter."""
    weight = next(layer.parameters())
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


def as_stored(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Apply `layer` in the dtype of its weights even under autocast: for a layer whose output is picture or verdict."""
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.to(layer.weight.dtype))
