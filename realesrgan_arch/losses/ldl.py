"""The loss of local artefacts: it weighs each pixel by how much its surroundings look like a GAN's invention.

Liang et al., "Details or Artifacts: A Locally Discriminative Learning Approach to Realistic Image Super-Resolution"
(CVPR 2022, arXiv 2203.09195); the numbers that the paper leaves open are those of its authors' code, csjliang/LDL.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_PATCH_POWER = 1 / 5
"""Of the variance of a whole picture's residual, which weighs the picture."""
_LEAST_VARIANCE = 1e-12
"""Below it the root has no slope worth following: at 0 the slope would be infinite."""


def local_variance(image: Tensor, *, window: int) -> Tensor:
    """Return the unbiased variance around each pixel of `image`, (B, 1, H, W), mirrored at its borders.

    `window` is the odd side of the square that counts, at least 3; H and W must be greater than half of it.
    """
    # Without its mean the image has small squares, whose difference keeps its digits.
    centred = image - image.mean(dim=(-1, -2), keepdim=True)
    padded = functional.pad(centred, [window // 2] * 4, mode="reflect")
    mean = functional.avg_pool2d(padded, window, stride=1)
    mean_of_squares = functional.avg_pool2d(padded**2, window, stride=1)
    count = window**2
    return (mean_of_squares - mean**2).clamp_min(0) * (count / (count - 1))


def artifact_map(sr: Tensor, gt: Tensor, average: Tensor, *, window: int) -> Tensor:
    """Return the weight of each pixel, (B, 1, H, W) and not negative; images are (B, 3, H, W), RGB in [0, 1].

    The weight is the variance of the residual (summed over colours) in its window, times the fifth root of the
    variance over the picture. Where `sr` is nearer to `gt` than `average` is, the steady one of both, the weight is 0.
    """
    residual = (gt - sr).abs().sum(dim=1, keepdim=True)
    steady = (gt - average).abs().sum(dim=1, keepdim=True)
    of_patch = residual.var(dim=(-1, -2, -3), keepdim=True).clamp_min(_LEAST_VARIANCE) ** _PATCH_POWER
    weight = of_patch * local_variance(residual, window=window)
    return torch.where(residual < steady, torch.zeros_like(weight), weight)


class LdlLoss(nn.Module):
    """L1 of the pixels, weighted by the map of artefacts; the gradient flows through the map too, as in the source.

    Args:
        average: the generator with averaged weights, in evaluation mode; it follows the live one by itself.
        weight: of the whole.
        window: odd side of the window in which variances are taken.
    """

    def __init__(self, average: nn.Module, *, weight: float = 1.0, window: int = 7) -> None:
        super().__init__()
        self.average = average
        self.weight = weight
        self.window = window

    def forward(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar in fp32; the average runs in the precision of the call."""
        with torch.no_grad():
            average = self.average(lq)
        with torch.autocast(sr.device.type, enabled=False):
            sr, gt = sr.float(), gt.float()
            weight = artifact_map(sr, gt, average.float(), window=self.window)
            return self.weight * functional.l1_loss(weight * sr, weight * gt)
