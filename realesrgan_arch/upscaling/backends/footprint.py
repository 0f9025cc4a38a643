"""What a runtime must know of any network: what the sides of its input divide by, and how wide it is inside."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realesrgan_arch.networks.rrdbnet import UNSHUFFLE_BY_SCALE, RRDBNet

_PROBE_SIDE = 16
_BYTES_OF_FLOAT = 4


def multiple_of(network: nn.Module) -> int:
    """Return what the sides of the pictures for `network` must be multiples of."""
    return UNSHUFFLE_BY_SCALE[network.scale] if isinstance(network, RRDBNet) else 1


@dataclass(frozen=True)
class Footprint:
    """Numbers that a network holds for each input pixel.

    `widest`: input and output together of the layer where they are most. `output`: the picture that comes out.
    """

    widest: float
    output: float

    def bytes_per_pixel(self, *, itemsize: int, layers: float, outputs: float) -> int:
        """Return bytes for each input pixel: `layers` times the widest layer, and `outputs` float32 pictures."""
        return math.ceil(layers * self.widest * itemsize + outputs * self.output * _BYTES_OF_FLOAT)


def measure_footprint(network: nn.Module) -> Footprint:
    """Pass a small black picture through `network` (float32, CPU) and note what every layer takes and gives."""
    widths = []

    def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        widths.append(sum(value.numel() for value in inputs) + output.numel())

    leaves = [layer for layer in network.modules() if next(layer.children(), None) is None]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    try:
        with torch.inference_mode():
            output = network(torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE))
    finally:
        for hook in hooks:
            hook.remove()
    pixels = _PROBE_SIDE**2
    return Footprint(widest=max(widths, default=0) / pixels, output=output.numel() / pixels)
