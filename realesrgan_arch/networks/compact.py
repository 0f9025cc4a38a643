"""SRVGGNetCompact, the small generator of realesr-general-x4v3 and realesr-animevideov3.

Parameter names are those of Real-ESRGAN's `realesrgan/archs/srvgg_arch.py` (version 0.3.0): convolutions and
activations alternate in `body`.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from realesrgan_arch.networks.layers import NetworkError, compute_dtype

ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "relu": lambda num_feat: nn.ReLU(inplace=True),
    "prelu": lambda num_feat: nn.PReLU(num_parameters=num_feat),
    "leakyrelu": lambda num_feat: nn.LeakyReLU(0.1, inplace=True),
}


class SRVGGNetCompact(nn.Module):
    """Magnify RGB float images by `upscale`; (B, C, H, W) in [0, 1] -> (B, C, H * upscale, W * upscale), unclamped.

    All convolutions run at the input's size; the network learns the difference to nearest-neighbour magnification.
    """

    def __init__(
        self,
        *,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        num_feat: int = 64,
        num_conv: int = 16,
        upscale: int = 4,
        act_type: str = "prelu",
    ) -> None:
        """Raise `NetworkError` for an unknown `act_type`."""
        super().__init__()
        if act_type not in ACTIVATIONS:
            raise NetworkError(f"act_type must be one of {', '.join(ACTIVATIONS)}, got {act_type!r}.")
        self.scale = upscale
        layers: list[nn.Module] = [nn.Conv2d(num_in_ch, num_feat, 3, padding=1), ACTIVATIONS[act_type](num_feat)]
        for _ in range(num_conv):
            layers += [nn.Conv2d(num_feat, num_feat, 3, padding=1), ACTIVATIONS[act_type](num_feat)]
        layers.append(nn.Conv2d(num_feat, num_out_ch * upscale**2, 3, padding=1))
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The sum with the magnified input is taken in float32."""
        residual = F.pixel_shuffle(self.body(x.to(compute_dtype(self))), self.scale).float()
        return residual + F.interpolate(x.float(), scale_factor=float(self.scale))
