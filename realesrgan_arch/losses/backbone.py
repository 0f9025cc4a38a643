"""The weights of the network below a distance of features, from a file that is here or can be had."""

from pathlib import Path

import torch

from realesrgan_arch.image_header import shown
from realesrgan_arch.losses.features import FeatureLoss
from realesrgan_arch.losses.learned import BACKBONE_FILES, LearnedDistance
from realesrgan_arch.networks.distilled_vgg19 import NETWORK_FILE
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_into, load_weights


def load_backbone(loss: LearnedDistance, path: Path, device: torch.device) -> None:
    """Load torchvision's weights from `path` into `loss`, and move it to `device`.

    Raises:
        WeightsError: a file that is absent, damaged or of another network.
    """
    theirs = load_weights(path).state
    names = loss.backbone_names()
    state = {name: value for name, value in loss.state_dict().items() if name not in names}
    state |= {name: theirs[their_name] for name, their_name in names.items() if their_name in theirs}
    load_into(loss, state, strict=True, name=BACKBONE_FILES[loss.backbone])
    loss.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def load_distilled(loss: FeatureLoss, weights: Path | None, device: torch.device) -> None:
    """Load the distilled VGG19 from `weights`, see `find_distilled`, into `loss`, and move it to `device`.

    Raises:
        WeightsError: a file that is absent, damaged or of another network.
    """
    path = find_distilled(weights)
    load_into(loss.network, load_weights(path).state, strict=True, name=shown(path))
    loss.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def find_distilled(weights: Path | None) -> Path:
    """Return the distilled VGG19's file: `weights` itself, or the one in that folder; None is the released one.

    Raises:
        WeightsError: there is none, or it cannot be downloaded.
    """
    if weights is not None and weights.is_dir():
        weights = weights / NETWORK_FILE
    return find_or_download(weights or NETWORK_FILE)
