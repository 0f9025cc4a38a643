"""The distance of what is left of two pictures under a blur: their colours and large shapes."""

import torch
from torch import Tensor

from realesrgan_arch.gaussian_blur import gaussian_blur


class LowFrequencyLoss:
    """L1 between blurred pictures, which holds colour and brightness in place whatever the detail does.

    The colour loss of Ignatov et al., "DSLR-Quality Photos on Mobile Devices with Deep Convolutional Networks" (ICCV
    2017, arXiv 1704.02470, sigma 3), with absolute differences in place of squares. It only makes sense beside a pixel
    loss: alone it leaves the high frequencies free.

    Args:
        weight: of the whole.
        sigma: of the blur, in pixels of the ground truth.
    """

    def __init__(self, *, weight: float = 1.0, sigma: float = 2.0) -> None:
        self.weight = weight
        self.sigma = sigma

    def __call__(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar in fp32; the ground truth carries no gradient."""
        del lq
        with torch.autocast(sr.device.type, enabled=False):
            # A blur is linear, so the difference of two blurred pictures takes one blur.
            return self.weight * gaussian_blur(sr.float() - gt.float(), sigma=self.sigma).abs().mean()
