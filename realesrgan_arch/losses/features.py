"""The distance of the features that LPIPS-like reads: a perceptual loss for machines without torchvision's weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from realesrgan_arch.networks.distilled_vgg19 import LAYERS, DistilledVgg19

_LEAST_FEATURE = 1e-6
"""What a mean feature counts at least; those of flat gray are 0.2, those of photographs 1 to 2."""


def relative_l1(features: Tensor, targets: Tensor) -> Tensor:
    """Return the mean |difference| of each picture over the mean of its |targets|, as a mean over the batch (B, ...).

    A picture counts for itself, so that the parts of a batch that is cut have the mean of the whole.
    """
    differences, sizes = (values.abs().flatten(1).mean(dim=1) for values in (features - targets, targets))
    return (differences / sizes.clamp_min(_LEAST_FEATURE)).mean()


class FeatureLoss(nn.Module):
    """L1 between features of the distilled VGG19, each layer relative to how large the truth's features are there.

    The perceptual loss of Johnson et al. (arXiv 1603.08155) with absolute differences, after the ReLU, of the narrow
    maps. LPIPS-like (`evaluation.lpips_like`) reads the same network: a model that was trained with this loss must not
    be judged by LPIPS-like alone. The convolutions have the precision of the step, the differences are fp32.

    Args:
        network: gives the features.
        layer_weights: weight by layer, a name of `networks.distilled_vgg19.LAYERS`; one that is not named does not
            count, and nothing beyond the deepest is computed.
        weight: of the whole.
    """

    def __init__(self, network: DistilledVgg19, *, layer_weights: Mapping[str, float], weight: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.layer_weights = dict(layer_weights)
        self.weight = weight
        self._names = LAYERS[: 1 + max(LAYERS.index(name) for name in layer_weights)]
        self.requires_grad_(requires_grad=False).eval()

    def forward(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar; the ground truth carries no gradient."""
        del lq
        images = (image.contiguous(memory_format=torch.channels_last) for image in (sr, gt.detach()))
        # Both go down the layers side by side, so that the truth's features never lie about all at once.
        maps = zip(self._names, *(self.network(image) for image in images), strict=False)
        terms = [
            self.layer_weights[name] * relative_l1(ours.float(), theirs.float())
            for name, ours, theirs in maps
            if name in self.layer_weights
        ]
        return self.weight * torch.stack(terms).sum()
