"""The script behind docs/systems.md: its overrides fit the shipped files, and VGG19's layers survive conversion."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from realesrgan_arch.networks.vgg19 import VGG19Features
from realesrgan_arch.options.load import load_options
from scripts.train_systems import ROOT, SYSTEMS, Place, overrides
from scripts.vgg19_from_caffe import convert, to_torchvision

CAFFE_MEAN = torch.tensor([103.939, 116.779, 123.68])
"""Blue, green, red."""


def caffe_state(widths=(8, 8), *, seed=0):
    """Return a small state in the layout of the public files: RGB to BGR of 0..255, then 3x3 convolutions."""
    generator = torch.Generator().manual_seed(seed)
    state = {"0.weight": torch.eye(3).flip(0)[:, :, None, None] * 255, "0.bias": -CAFFE_MEAN}
    channels = 3
    for place, width in zip((2, 5), widths, strict=True):
        state[f"{place}.weight"] = torch.randn(width, channels, 3, 3, generator=generator) / 50
        state[f"{place}.bias"] = torch.randn(width, generator=generator)
        channels = width
    return state


def caffe_features(state, image, *, last):
    """Apply the layers as the files mean them, with reflected borders; the last one before its ReLU."""
    x = F.conv2d(image, state["0.weight"], state["0.bias"])
    for name in sorted({int(key.split(".")[0]) for key in state} - {0}):
        if name == 9:
            x = F.max_pool2d(x, 2)
        if name == 16:
            x = F.max_pool2d(x, 2)
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), state[f"{name}.weight"], state[f"{name}.bias"])
        if name == last:
            return x
        x = x.relu()
    raise AssertionError(last)


def test_converted_layers_give_the_features_of_the_original_away_from_borders() -> None:
    state, image = caffe_state(), torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    converted = to_torchvision(state)
    assert list(converted) == ["features.0.weight", "features.0.bias", "features.2.weight", "features.2.bias"]
    norm = VGG19Features(["conv1_1"])
    x = (image - norm.mean) / norm.std
    first = F.conv2d(x, converted["features.0.weight"], converted["features.0.bias"], padding=1)
    expected = caffe_features(state, image, last=2)
    assert torch.allclose(first[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-3)
    assert expected.std() > 1
    second = F.conv2d(first.relu(), converted["features.2.weight"], converted["features.2.bias"], padding=1)
    assert torch.allclose(second[..., 2:-2, 2:-2], caffe_features(state, image, last=5)[..., 2:-2, 2:-2], atol=1e-3)


@pytest.mark.shared_data
def test_the_true_vgg19_gives_its_features_in_our_network(shared_data, tmp_path) -> None:
    source = shared_data("weights/perceptual/vgg_normalised_conv3_1.pth")
    convert(source, tmp_path / "vgg19.pth")
    network = VGG19Features(["conv3_1"])
    network.load_state_dict(torch.load(tmp_path / "vgg19.pth", weights_only=True))
    generator = torch.Generator().manual_seed(0)
    image = F.interpolate(torch.rand(1, 3, 16, 16, generator=generator), size=(96, 96), mode="bicubic").clamp(0, 1)
    found = network(image)["conv3_1"]
    expected = caffe_features(torch.load(source, weights_only=True), image, last=16)
    assert found.shape == (1, 256, 24, 24)
    assert torch.allclose(found[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4], atol=1e-3)
    assert expected.std() > 1


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_overrides_fit_the_shipped_file_and_leave_its_game(name, tmp_path: Path) -> None:
    place = Place(ROOT / "options", tmp_path, tmp_path, tmp_path)
    file = ROOT / "options" / f"train_{name}_x4.yml"
    changes = [f"{key}={value}" for key, value in overrides(name, place).items()]
    loaded, shipped = load_options(file, overrides=changes), load_options(file).options
    small, system = loaded.options, SYSTEMS[name]
    assert small.train is not None and shipped.train is not None
    assert small.train.total_iter == system.steps and small.network_g.num_feat == 32
    assert small.train.gan_opt == shipped.train.gan_opt
    # SRGAN's content loss is that of the paper's SRGAN-MSE, as VGG19's late layers cannot be had.
    assert name == "srgan" or small.train.pixel_opt == shipped.train.pixel_opt
    assert small.model_type == shipped.model_type
    assert small.path.experiments_root is not None and place.run(name) == small.path.experiments_root / small.name
    if system.base:
        assert small.path.pretrain_network_g == str(place.weights(system.base))
        assert (
            small.network_g
            == load_options(
                ROOT / "options" / f"train_{system.base}_x4.yml",
                overrides=[f"{key}={value}" for key, value in overrides(system.base, place).items()],
            ).options.network_g
        )
