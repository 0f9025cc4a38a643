"""Known weights are found where they lie, told from others by their bytes, and asked for in one sentence."""

import os
from pathlib import Path

import pytest
import torch

from realesrgan_arch.networks.build import build_network
from realesrgan_arch.weights.table import (
    KNOWN_WEIGHTS,
    KnownWeights,
    WeightsError,
    download_folder,
    find_weights,
    search_folders,
    sha256_of,
    verify,
)


@pytest.fixture
def alone(in_tmp_path, monkeypatch) -> Path:
    """An empty folder in which no weights of this machine are found."""
    monkeypatch.setenv("HOME", str(in_tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(in_tmp_path / "torch"))
    monkeypatch.delenv("REALESRGAN_ARCH_WEIGHTS", raising=False)
    return in_tmp_path


def test_known_names_are_found_in_the_folders_in_order(alone, monkeypatch):
    places = [
        alone / "torch/hub/checkpoints",
        alone / "home/.cache/realesrgan_arch",
        alone / "weights",
        alone / "experiments/pretrained_models",
        alone / "chosen",
    ]
    monkeypatch.setenv("REALESRGAN_ARCH_WEIGHTS", str(alone / "chosen"))
    for place in places:
        place.mkdir(parents=True)
        (place / "realesr-general-x4v3.pth").write_text("here")
        assert find_weights("realesr-general-x4v3").resolve() == place / "realesr-general-x4v3.pth"
        assert find_weights("realesr-general-x4v3.pth").resolve() == place / "realesr-general-x4v3.pth"


def test_the_variable_may_name_several_folders_and_new_files_go_into_the_first(alone, monkeypatch):
    first, second = alone / "first", alone / "second"
    monkeypatch.setenv("REALESRGAN_ARCH_WEIGHTS", os.pathsep.join(["", str(first), str(second)]))
    assert (search_folders()[:2], download_folder()) == ((first, second), first)
    second.mkdir()
    (second / "realesr-general-x4v3.pth").write_text("here")
    assert find_weights("realesr-general-x4v3") == second / "realesr-general-x4v3.pth"


def test_absent_weights_say_where_to_put_them_and_how_to_get_them(alone):
    with pytest.raises(
        WeightsError, match=r"realesrgan-arch weights get RealESRGAN_x4plus --to .*realesrgan_arch.*v0\.1\.0"
    ):
        find_weights("RealESRGAN_x4plus")
    with pytest.raises(WeightsError, match=r"get RealESRGAN_x4plus --to models`, .* into models"):
        find_weights("models/RealESRGAN_x4plus.pth")
    with pytest.raises(WeightsError, match="did you mean realesr-animevideov3"):
        find_weights("realesr-animevideo3")
    (alone / "net_g_500.pth").write_text("x")
    with pytest.raises(WeightsError, match=r"net_g_50\.pth not found: did you mean net_g_500\.pth"):
        find_weights("net_g_50.pth")
    with pytest.raises(WeightsError, match="weights list"):
        find_weights("something else entirely")


def test_verify_tells_released_bytes_from_others(alone, monkeypatch):
    path = alone / "renamed.pth"
    path.write_text("hello")
    assert verify(path).status == "unknown"
    (alone / "realesr-general-x4v3.pth").write_text("hello")
    result = verify(alone / "realesr-general-x4v3.pth")
    assert (result.status, result.known) == ("differs", KNOWN_WEIGHTS["realesr-general-x4v3"])
    (alone / "RealESRGAN_x4plus_netD.pth").write_text("hello")
    assert verify(alone / "RealESRGAN_x4plus_netD.pth").status == "unverified"
    hello = KnownWeights("hello", "https://example.org/hello.pth", None, sha256=sha256_of(path)[:8])
    monkeypatch.setattr("realesrgan_arch.weights.table._TABLE", (hello,))
    assert (verify(path).status, verify(path).known) == ("verified", hello)


def test_the_table_is_consistent():
    for name, known in KNOWN_WEIGHTS.items():
        assert known.url.startswith(
            (
                "https://github.com/xinntao/Real-ESRGAN/releases/",
                "https://download.pytorch.org/",
                "https://github.com/MingSun-Tse/Collaborative-Distillation/raw/",
            )
        )
        assert known.sha256 is None or len(known.sha256) == (8 if known.spec is None else 64), name
    x4plus = KNOWN_WEIGHTS["RealESRGAN_x4plus"]
    with torch.device("meta"):
        tensors = build_network(x4plus.spec).state_dict().values()
    assert 0 < x4plus.size - sum(tensor.numel() * 4 for tensor in tensors) < 300_000, "tensors and a zip directory"


def test_a_folder_of_a_user_that_is_not_there_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setenv("REALESRGAN_ARCH_WEIGHTS", "~no_such_user/weights")
    with pytest.raises(WeightsError, match="names ~no_such_user/weights, but there is no such user"):
        search_folders()
