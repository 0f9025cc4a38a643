"""VGG19's first layers in the layout of torchvision, from the Caffe form of style transfer's public files.

python scripts/vgg19_from_caffe.py vgg_normalised_conv3_1.pth vgg19_to_conv3_1.pth

Those files (pietrocarbo/deep-transfer) hold the true convolutions of VGG19, scaled to a mean activation of 1, behind a
1x1 convolution from RGB in [0, 1] to BGR in 0..255 without its mean. Here that convolution and the deviations of
ImageNet go into the first 3x3 convolution, so that `VGG19Features` with its input norm gives the same features. The
borders differ: zeros around the normalised picture here, reflections there.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.networks.vgg19 import LAYER_NAMES, VGG19Features


def to_torchvision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `state` under torchvision's names `features.N.weight` and `features.N.bias`, for normalised RGB.

    Args:
        state: `N.weight` and `N.bias`; the first of them the 1x1 convolution, the others VGG19's, in order.
    """
    first, *numbers = sorted({int(name.split(".")[0]) for name in state})
    places = [index for index, name in enumerate(LAYER_NAMES) if name.startswith("conv")]
    found: dict[str, Tensor] = {}
    for number, place in zip(numbers, places, strict=False):
        weight, bias = state[f"{number}.weight"], state[f"{number}.bias"]
        if place == 0:
            weight, bias = _fold(weight, bias, state[f"{first}.weight"][:, :, 0, 0], state[f"{first}.bias"])
        found |= {f"features.{place}.weight": weight, f"features.{place}.bias": bias}
    return found


def _fold(weight: Tensor, bias: Tensor, colours: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Return the convolution of normalised RGB that equals `weight`, `bias` behind `colours @ rgb + offset`."""
    norm = VGG19Features(["conv1_1"])
    mean, std = norm.mean.flatten(), norm.std.flatten()
    folded = torch.einsum("okhw,kc->ochw", weight, colours * std)
    return folded, bias + torch.einsum("okhw,k->o", weight, colours @ mean + offset)


def convert(source: Path, target: Path) -> None:
    """Read the Caffe form and write torchvision's."""
    with atomic_file(target) as file:
        torch.save(to_torchvision(torch.load(source, map_location="cpu", weights_only=True)), file)


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    convert(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
