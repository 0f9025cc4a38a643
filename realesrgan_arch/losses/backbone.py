"""The weights of the network below a distance of features, from a file that is on the machine."""

from pathlib import Path

import torch

from realesrgan_arch.image_header import shown
from realesrgan_arch.losses.features import FeatureLoss
from realesrgan_arch.losses.learned import BACKBONE_FILES, LearnedDistance
from realesrgan_arch.networks.distilled_vgg19 import NETWORK_FILE
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_into, load_weights
from realesrgan_arch.weights.table import WeightsError


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
    if weights is None:
        return find_or_download(NETWORK_FILE)
    path = weights / NETWORK_FILE if weights.is_dir() else weights
    if not path.is_file():
        raise WeightsError(
            f"train.feature_opt needs {NETWORK_FILE}, but there is no file {shown(path)}; name the file, or the folder "
            "that holds it, as train.feature_opt.weights"
        )
    return path
