"""What whole runs of this room share."""

import pytest
import torch

from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling.request import UpscaleRequest
from tests.upscaling.folder_run import photo


@pytest.fixture
def request_of_three(tmp_path):
    torch.manual_seed(0)
    network = RRDBNet(scale=2, num_feat=4, num_block=1, num_grow_ch=2)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "net_g.pth")
    for name in ("a.png", "b.png", "sub/c.png"):
        photo(tmp_path / "photos" / name, size=(16, 16))
    return UpscaleRequest(
        tmp_path / "photos",
        tmp_path / "out",
        str(tmp_path / "net_g.pth"),
        suffix="",
        device="cpu",
        precision="fp32",
        backend="torch",
    )
