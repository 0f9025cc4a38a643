"""The distance of Fourier amplitudes: how much of each frequency a picture has, wherever it lies."""

import torch
from torch import Tensor
from torch.nn import functional


def amplitude_distance(prediction: Tensor, target: Tensor) -> Tensor:
    """Return L1 between the moduli of the orthonormal 2-D Fourier transforms of two batches (B, 3, H, W), in fp32.

    The mean is over colours and the half plane of frequencies that a real picture's transform is stored in. Those of
    the first column, and of the last where W is even, stand there with their mirror images and so count twice as much
    as the others.
    """
    return functional.l1_loss(_amplitudes(prediction), _amplitudes(target))


class AmplitudeLoss:
    """Amplitudes say how sharp and how textured a picture is; an L1 of pixels, which only holds what lies where, blurs.

    It is the amplitude term of Fuoli et al., "Fourier Space Losses for Efficient Perceptual Image Super-Resolution"
    (ICCV 2021, arXiv 2106.00783), which is over a half plane, too. It wants a pixel loss beside it: a picture that is
    moved keeps its amplitudes.

    Args:
        weight: of the whole.
    """

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar in fp32; the ground truth carries no gradient."""
        del lq
        return self.weight * amplitude_distance(sr, gt)


def _amplitudes(image: Tensor) -> Tensor:
    return torch.fft.rfft2(image.float(), norm="ortho").abs()
