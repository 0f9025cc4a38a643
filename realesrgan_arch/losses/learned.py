"""Learned perceptual distances as losses: LPIPS and DISTS, in the form of torchmetrics (the extra `perceptual`).

torchmetrics carries what was learned from people's judgements. The features below it are torchvision's networks for
ImageNet, whose weights are loaded apart, so that nothing is downloaded behind the back of whoever builds a loss.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.extras import require_extra

LpipsNet = Literal["alex", "vgg", "squeeze"]
BACKBONE_FILES: dict[LpipsNet, str] = {
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
}
"""torchvision's file for each backbone; DISTS stands on `vgg`."""
_IN_BACKBONE = re.compile(r"(?:net\.slices?\.?\d+|stage\d+)\.(\d+\.(?:.+\.)?(?:weight|bias))")


class LearnedDistance(nn.Module):
    """A fixed network that compares two pictures; it always computes in fp32, as variances and norms need.

    Args:
        network: takes two RGB batches and returns one distance a picture.
        backbone: what gives it its features.
        arguments: further ones for its call.
        weight: of the whole.
    """

    def __init__(self, network: nn.Module, *, backbone: LpipsNet, arguments: Mapping[str, bool], weight: float) -> None:
        super().__init__()
        self.network = network
        self.backbone: LpipsNet = backbone
        self.weight = weight
        self._arguments = dict(arguments)
        self.requires_grad_(requires_grad=False).eval()

    def forward(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the mean distance over the batch, a scalar; the ground truth carries no gradient."""
        del lq
        with torch.autocast(sr.device.type, enabled=False):
            distances = self.network(sr.float(), gt.detach().float(), **self._arguments)
        return self.weight * distances.mean()

    def train(self, mode: bool = True) -> "LearnedDistance":
        """Stay in evaluation mode: this network is a yardstick and never learns."""
        del mode
        return super().train(False)

    def backbone_names(self) -> dict[str, str]:
        """Return torchvision's name for each tensor of the backbone, by its name here."""
        found = ((name, _IN_BACKBONE.fullmatch(name.removeprefix("network."))) for name in self.state_dict())
        return {name: f"features.{match[1]}" for name, match in found if match}


def build_lpips(net: LpipsNet = "vgg", *, weight: float = 1.0, purpose: str = "train.lpips_opt") -> LearnedDistance:
    """Return LPIPS v0.1 (Zhang et al., arXiv 1801.03924) with its linear layers and a freshly drawn backbone.

    Raises:
        MissingExtraError: torchmetrics is not installed.
    """
    module = _import_torchmetrics("lpips", purpose=purpose)
    network = module._LPIPS(net=net, pnet_rand=True)
    return LearnedDistance(network, backbone=net, arguments={"normalize": True}, weight=weight)


def build_dists(*, weight: float = 1.0, purpose: str = "train.dists_opt") -> LearnedDistance:
    """Return DISTS (Ding et al., arXiv 2004.07728) with its learned weights and a freshly drawn backbone.

    Raises:
        MissingExtraError: torchmetrics is not installed.
    """
    module = _import_torchmetrics("dists", purpose=purpose)
    with _drawn_backbone(module):
        network = module.DISTSNetwork()
    return LearnedDistance(network, backbone="vgg", arguments={"require_grad": True}, weight=weight)


def _import_torchmetrics(name: str, *, purpose: str) -> ModuleType:
    # torchmetrics imports torchvision, which needs a shim beside a CPU-only torch.
    import_shims()
    require_extra("torchmetrics", extra="perceptual", purpose=purpose)
    return importlib.import_module(f"torchmetrics.functional.image.{name}")


@contextmanager
def _drawn_backbone(module: ModuleType) -> Iterator[None]:
    """Let `module` build its VGG16 without weights: DISTSNetwork itself would download them, wherever they lie."""
    original: Callable[..., Any] = module.__dict__["vgg16"]
    module.__dict__["vgg16"] = lambda **_: original(weights=None)
    try:
        yield
    finally:
        module.__dict__["vgg16"] = original
