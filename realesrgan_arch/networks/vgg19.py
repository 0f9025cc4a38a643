"""The convolutional part of VGG19 (Simonyan & Zisserman, arXiv 1409.1556), as a source of features.

Parameter names are torchvision's (`features.0.weight`), so its ImageNet checkpoint loads without torchvision.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

_CONVOLUTIONS_PER_BLOCK = (2, 2, 4, 4, 4)
_CHANNELS_PER_BLOCK = (64, 128, 256, 512, 512)
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


def _layer_names() -> tuple[str, ...]:
    names: list[str] = []
    for block, count in enumerate(_CONVOLUTIONS_PER_BLOCK, start=1):
        for index in range(1, count + 1):
            names += [f"conv{block}_{index}", f"relu{block}_{index}"]
        names.append(f"pool{block}")
    return tuple(names)


LAYER_NAMES = _layer_names()
"""`conv1_1`, `relu1_1`, ..., `conv5_4`, `relu5_4`, `pool5` in order; `conv` means before the ReLU."""


class VGG19Features(nn.Module):
    """Features of VGG19 at chosen layers; nothing beyond the last of them is built.

    Args:
        layers: names out of `LAYER_NAMES`.
        use_input_norm: subtract ImageNet's mean and divide by its deviation (images in [0, 1]).
        range_norm: the images come in [-1, 1] and are brought to [0, 1] first.

    Raises:
        ValueError: a layer that VGG19 does not have.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Sequence[str], *, use_input_norm: bool = True, range_norm: bool = False) -> None:
        super().__init__()
        unknown = sorted(set(layers) - set(LAYER_NAMES))
        if unknown or not layers:
            raise ValueError(f"expected layers out of {', '.join(LAYER_NAMES)}, got {unknown or 'none'}")
        self.layers = frozenset(layers)
        self.use_input_norm = use_input_norm
        self.range_norm = range_norm
        self.features = _build_stack(last=max(LAYER_NAMES.index(name) for name in layers))
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False).eval()

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the features by layer name for an RGB batch `(B, 3, H, W)`."""
        if self.range_norm:
            image = (image + 1) / 2
        if self.use_input_norm:
            image = (image - self.mean) / self.std
        found: dict[str, Tensor] = {}
        for name, layer in zip(LAYER_NAMES, self.features, strict=False):
            image = layer(image)
            if name in self.layers:
                found[name] = image
        return found

    def train(self, mode: bool = True) -> "VGG19Features":
        """Stay in evaluation mode: this network is a yardstick and never learns."""
        del mode
        return super().train(False)


def _build_stack(*, last: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for name in LAYER_NAMES[: last + 1]:
        if name.startswith("conv"):
            width = _CHANNELS_PER_BLOCK[int(name[4]) - 1]
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            channels = width
        elif name.startswith("relu"):
            # Not in place: a tapped pre-activation must keep its values.
            layers.append(nn.ReLU())
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def select_vgg19_state(state: Mapping[str, Tensor], network: VGG19Features) -> dict[str, Tensor]:
    """Return the part of torchvision's VGG19 `state` that `network` holds (the classifier and later layers go)."""
    wanted = network.state_dict().keys()
    return {name: value for name, value in state.items() if name in wanted}
