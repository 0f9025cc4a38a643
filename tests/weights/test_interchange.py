"""Our files open in the tools that people already use, and their files open here."""

from pathlib import Path

import numpy as np
import pytest
import torch

import tests.shims  # noqa: F401

# isort: split
import spandrel
from basicsr.archs.rrdbnet_arch import RRDBNet as UpstreamRRDBNet
from realesrgan import RealESRGANer

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec
from realesrgan_arch.weights.load import load_generator
from realesrgan_arch.weights.table import KNOWN_WEIGHTS


def interchange_file(tmp_path: Path) -> tuple[torch.nn.Module, Path]:
    # spandrel takes num_grow_ch for granted: 32.
    torch.manual_seed(0)
    network = build_generator(RRDBNetSpec(num_feat=16, num_block=1)).eval()
    path = tmp_path / "net_g_latest.pth"
    torch.save({"params": network.state_dict(), "params_ema": network.state_dict()}, path)
    return network, path


@torch.inference_mode()
def test_our_file_loads_in_spandrel_as_esrgan_and_gives_the_same_picture(tmp_path):
    network, path = interchange_file(tmp_path)
    model = spandrel.ModelLoader(device="cpu").load_from_file(path)
    assert (model.architecture.name, model.scale) == ("ESRGAN", 4)
    image = torch.rand(1, 3, 12, 16)
    torch.testing.assert_close(model.model(image), network(image), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_our_file_loads_in_upstreams_upsampler_and_gives_the_same_picture(tmp_path):
    network, path = interchange_file(tmp_path)
    upstream = UpstreamRRDBNet(3, 3, num_feat=16, num_block=1)
    upsampler = RealESRGANer(scale=4, model_path=str(path), model=upstream, device="cpu", pre_pad=0)
    bgr = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    expected, _ = upsampler.enhance(bgr)
    rgb = torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1)[None] / 255
    sr = network(rgb).clamp(0, 1).mul(255).round().byte()[0].permute(1, 2, 0).flip(-1).numpy()
    assert np.abs(sr.astype(int) - expected).max() <= 1


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "num_conv"),
    [
        ("realesr-general-x4v3", 32),
        ("realesr-general-wdn-x4v3", 32),
        ("realesr-animevideov3", 16),
        ("4xLSDIRCompactC3", 16),
    ],
)
def test_the_released_generators_are_recognised(shared_data, name, num_conv):
    network, spec = load_generator(shared_data(f"weights/generators/{name}.pth"))
    assert spec == CompactSpec(num_conv=num_conv)
    known = KNOWN_WEIGHTS.get(name)
    assert known is None or known.spec == spec
    assert torch.isfinite(network(torch.rand(1, 3, 8, 8))).all()
