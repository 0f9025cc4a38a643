"""Models by name and by file, and the denoise strength."""

import pytest
import torch

from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.upscaling import loading
from realesrgan_arch.upscaling.loading import ModelError, load_model


def _save(path, value):
    network = SRVGGNetCompact(num_feat=4, num_conv=2, upscale=4)
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, value)
    torch.save({"params": network.state_dict()}, path)


@pytest.fixture
def known_weights(tmp_path, monkeypatch):
    _save(tmp_path / "realesr-general-x4v3.pth", 1.0)
    _save(tmp_path / "realesr-general-wdn-x4v3.pth", 0.0)
    monkeypatch.setattr(loading, "find_or_download", lambda name: tmp_path / f"{name}.pth")


@pytest.mark.parametrize(("strength", "weight"), [(1.0, 1.0), (0.25, 0.25), (0.0, 0.0), (None, 0.5)])
def test_the_denoise_strength_mixes_the_two_models(known_weights, strength, weight):
    loaded = load_model("realesr-general-x4v3", denoise_strength=strength)
    assert loaded.spec.scale == 4
    assert all(torch.allclose(p, torch.tensor(weight)) for p in loaded.network.parameters())


def test_a_file_is_loaded_as_it_is(tmp_path):
    _save(tmp_path / "mine.pth", 0.7)
    network = load_model(str(tmp_path / "mine.pth")).network
    assert all(torch.allclose(p, torch.tensor(0.7)) for p in network.parameters())


def test_a_strength_for_another_model_is_refused():
    with pytest.raises(ModelError, match="for -n realesr-general-x4v3 only, got the model RealESRGAN_x4plus"):
        load_model("RealESRGAN_x4plus", denoise_strength=0.5)


def test_a_strength_outside_its_range_is_refused():
    with pytest.raises(ModelError, match="between 0 and 1, got 1.5"):
        load_model("realesr-general-x4v3", denoise_strength=1.5)


def test_the_hash_is_that_of_the_file_and_of_both_files_of_a_mixture(known_weights, tmp_path):
    names = ("realesr-general-x4v3", "realesr-general-wdn-x4v3")
    first, second = (hash_file(tmp_path / f"{name}.pth") for name in names)
    assert load_model(names[0], denoise_strength=0.5).sha256 == f"{first}+{second}"
    assert load_model(names[0], denoise_strength=1.0).sha256 == first
