"""The base is chosen by the device, looked into, and had with a question where that costs something."""

import pytest
import torch
from safetensors.torch import save_file

from realesrgan_arch.errors import UserError
from realesrgan_arch.guided.base import choose_base
from realesrgan_arch.guided.talk import DeclinedError, Talk
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, UNetDiscriminatorSpec
from tests.guided.builders import DEMO_BASE, DEMO_SPEC, build_request

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The only place where known weights are looked for."""
    monkeypatch.setenv("REALESRGAN_ARCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _save(path, network) -> None:
    torch.save({"params": network.state_dict()}, path)


def test_a_file_is_a_base(tmp_path) -> None:
    lines: list[str] = []
    base = choose_base(build_request(tmp_path), CPU, Talk(lines.append))
    assert (base.source, base.spec, base.discriminator) == (str(DEMO_BASE), DEMO_SPEC, None)
    assert lines == [
        f"no GPU here: the CPU trains {DEMO_BASE}, as asked for; the rehearsal in step 5 says how long that takes"
    ]


def test_without_a_gpu_the_small_model_is_chosen_and_said(folder) -> None:
    lines: list[str] = []
    _save(folder / "realesr-general-x4v3.pth", build_generator(CompactSpec(num_feat=8, num_conv=2)))
    base = choose_base(build_request(folder, base=None), CPU, Talk(lines.append))
    assert base.source == "realesr-general-x4v3"
    assert "the small model: choose another with --base" in lines[0]


def test_on_a_gpu_the_large_one_is_chosen_with_its_discriminator(folder) -> None:
    _save(folder / "RealESRGAN_x4plus.pth", build_generator(RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=4)))
    _save(folder / "RealESRGAN_x4plus_netD.pth", build_discriminator(UNetDiscriminatorSpec(num_feat=4)))
    (folder / "vgg19-dcbb9e9d.pth").write_bytes(b"there")
    lines: list[str] = []
    base = choose_base(build_request(folder, base=None), GPU, Talk(lines.append))
    assert (base.source, base.discriminator) == ("RealESRGAN_x4plus", "RealESRGAN_x4plus_netD")
    assert lines == []


def test_the_same_base_on_a_cpu_trains_without_discriminator(folder) -> None:
    _save(folder / "RealESRGAN_x4plus.pth", build_generator(RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=4)))
    base = choose_base(build_request(folder, base="RealESRGAN_x4plus"), CPU, Talk(lambda _: None))
    assert base.discriminator is None


def test_absent_weights_are_downloaded_only_after_a_question(folder) -> None:
    lines: list[str] = []
    with pytest.raises(DeclinedError):
        choose_base(build_request(folder, base="RealESRGAN_x4plus"), GPU, Talk(lines.append, lambda: "n\n"))
    assert lines == [
        "  not on this machine: RealESRGAN_x4plus (67.0 MB), RealESRGAN_x4plus_netD (size unknown), vgg19 (574.7 MB); "
        "download? [Y/n]"
    ]


@pytest.mark.parametrize("name", ["RealESRGAN_x4pluss", "nowhere/base.pth"])
def test_an_unknown_base_is_one_sentence(folder, name) -> None:
    with pytest.raises(UserError, match=f"weights {name} not found") as raised:
        choose_base(build_request(folder, base=name), CPU, Talk(lambda _: None))
    assert "\n" not in str(raised.value)


def test_a_discriminator_is_no_base(folder) -> None:
    _save(folder / "d.pth", build_discriminator(UNetDiscriminatorSpec(num_feat=4)))
    with pytest.raises(UserError, match="holds a discriminator"):
        choose_base(build_request(folder, base="d.pth"), CPU, Talk(lambda _: None))


def test_a_base_of_a_scale_that_cannot_be_trained_is_one_sentence(folder) -> None:
    save_file(build_generator(CompactSpec(num_feat=8, num_conv=2, upscale=3)).state_dict(), folder / "x3.safetensors")
    with pytest.raises(UserError, match=r"--base: expected a generator that magnifies by one of 1, 2, 4, got .*\(3\)"):
        choose_base(build_request(folder, base="x3.safetensors"), CPU, Talk(lambda _: None))
