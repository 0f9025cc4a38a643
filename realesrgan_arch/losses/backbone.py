"""The weights of the network below a learned distance: torchvision's, from a file that is on the machine."""

from pathlib import Path

import torch

from realesrgan_arch.losses.learned import BACKBONE_FILES, LearnedDistance
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
