"""The two discriminators of whole crops: SRGAN's by the paper, the other against BasicSR's."""

import pytest
import torch

import tests.shims  # noqa: F401

# isort: split
from basicsr.archs.discriminator_arch import VGGStyleDiscriminator as BasicSRDiscriminator

from realesrgan_arch.networks.build import build_discriminator
from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.spec import SRGANDiscriminatorSpec, VGGStyleDiscriminatorSpec
from realesrgan_arch.networks.vgg_discriminators import SRGANDiscriminator, VGGStyleDiscriminator


def _crops(size: int) -> torch.Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize("training", [True, False])
def test_same_weights_give_basicsrs_logits_and_statistics(size, training) -> None:
    torch.manual_seed(0)
    upstream = BasicSRDiscriminator(3, 4, input_size=size).train(training)
    ours = VGGStyleDiscriminator(num_feat=4, input_size=size).train(training)
    ours.load_state_dict(upstream.state_dict(), strict=True)
    logits, expected = ours(_crops(size)), upstream(_crops(size))
    assert logits.shape == (2, 1)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    buffers = dict(upstream.named_buffers())
    for name, buffer in ours.named_buffers():
        torch.testing.assert_close(buffer, buffers[name], msg=name)


@pytest.mark.parametrize(("size", "side"), [(96, 6), (128, 8), (32, 2)])
def test_srgans_has_the_parameters_of_the_paper(size, side) -> None:
    widths = [(64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    first = 3 * 64 * 9 + 64
    convolutions = sum(i * o * 9 for i, o in widths)
    norms = sum(2 * o for _, o in widths)
    dense = 512 * side * side * 1024 + 1024 + 1024 + 1
    count = sum(value.numel() for value in SRGANDiscriminator(input_size=size).parameters())
    assert count == first + convolutions + norms + dense
    assert size != 96 or count == 23_563_649


def test_srgans_layers_are_those_of_the_papers_figure() -> None:
    network = SRGANDiscriminator()
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions] == [
        (64, 3, 1), (64, 3, 2), (128, 3, 1), (128, 3, 2), (256, 3, 1), (256, 3, 2), (512, 3, 1), (512, 3, 2),
    ]  # fmt: skip
    names = [type(layer).__name__ for layer in network.features]
    assert names == ["Conv2d", "LeakyReLU", *["Conv2d", "BatchNorm2d", "LeakyReLU"] * 7]
    assert {layer.negative_slope for layer in network.features if isinstance(layer, torch.nn.LeakyReLU)} == {0.2}


@pytest.mark.parametrize(
    "kind", [SRGANDiscriminatorSpec(num_feat=4, input_size=128), VGGStyleDiscriminatorSpec(num_feat=4)]
)
def test_a_logit_for_each_crop_comes_out_as_float32_under_autocast(kind) -> None:
    network = build_discriminator(kind)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(_crops(128))
    assert (logits.shape, logits.dtype) == ((2, 1), torch.float32)
    logits.sum().backward()
    assert all(value.grad is not None for value in network.parameters())


@pytest.mark.parametrize("kind", [SRGANDiscriminatorSpec(num_feat=4), VGGStyleDiscriminatorSpec(num_feat=4)])
def test_crops_of_another_size_are_refused(kind) -> None:
    size = kind.input_size
    with pytest.raises(NetworkError, match=rf"crops of {size}x{size}, got 80x64 \(width x height\)"):
        build_discriminator(kind)(torch.rand(2, 3, 64, 80))


def test_a_size_that_does_not_halve_is_refused() -> None:
    with pytest.raises(NetworkError, match="16 divides, got 100"):
        SRGANDiscriminator(input_size=100)
    with pytest.raises(NetworkError, match="128 or 256, got 96"):
        VGGStyleDiscriminator(input_size=96)
