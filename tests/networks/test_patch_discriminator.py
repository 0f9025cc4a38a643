"""The discriminator of patches: its layers, what a logit sees, and which pictures it takes."""

import pytest
import torch

from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.patch_discriminator import PatchDiscriminatorSN


def _rows(network: PatchDiscriminatorSN) -> list[tuple]:
    convs = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    return [
        (c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0], c.bias is not None, hasattr(c, "weight_orig"))
        for c in convs
    ]


def test_it_has_the_convolutions_of_its_docstring() -> None:
    assert _rows(PatchDiscriminatorSN(num_feat=64, depth=3, unshuffle=2)) == [
        (12, 64, 3, 1, True, False),
        (64, 128, 4, 2, False, True),
        (128, 256, 4, 2, False, True),
        (256, 256, 4, 2, False, True),
        (256, 256, 3, 1, False, True),
        (256, 1, 3, 1, True, False),
    ]


@pytest.mark.parametrize(("depth", "unshuffle", "side"), [(3, 1, 16), (2, 2, 16), (1, 4, 16), (4, 1, 8)])
def test_it_gives_a_map_of_logits(depth: int, unshuffle: int, side: int) -> None:
    network = PatchDiscriminatorSN(num_feat=4, depth=depth, unshuffle=unshuffle)
    assert network(torch.rand(2, 3, 128, 64)).shape == (2, 1, side, side // 2)


@pytest.mark.parametrize(("depth", "unshuffle"), [(1, 1), (2, 2), (3, 1)])
def test_a_logit_sees_seven_strides_of_the_picture(depth: int, unshuffle: int) -> None:
    torch.manual_seed(0)
    network = PatchDiscriminatorSN(num_feat=4, depth=depth, unshuffle=unshuffle).double()
    image = torch.rand(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    logits = network(image)
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    assert image.grad is not None
    seen = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
    assert seen.max() - seen.min() + 1 == 7 * network.stride


def test_folding_pixels_makes_it_cheap() -> None:
    whole, folded = PatchDiscriminatorSN(num_feat=8), PatchDiscriminatorSN(num_feat=8, unshuffle=4)
    image, pixels = torch.rand(1, 3, 64, 64), []
    for network in (whole, folded):
        network.conv_first.register_forward_hook(lambda _, __, output: pixels.append(output.numel()))
        network(image)
    assert pixels[1] * 16 == pixels[0]


def test_spectral_norm_bounds_its_middle_layers() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminatorSN(num_feat=8)
    for parameter in network.parameters():
        parameter.data.mul_(10)
    for _ in range(30):
        network(torch.rand(1, 3, 32, 32))
    names = ("down.0", "down.1", "down.2", "conv_body")
    for name in names:
        weight = network.get_submodule(name).weight
        assert isinstance(weight, torch.Tensor)
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


def test_logits_stay_in_fp32_under_autocast() -> None:
    network = PatchDiscriminatorSN(num_feat=4)
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.rand(1, 3, 32, 32)).dtype == torch.float32


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(NetworkError, match="PatchDiscriminatorSN needs .* multiples of 16, got 40x32"):
        PatchDiscriminatorSN(num_feat=4, unshuffle=2)(torch.rand(1, 3, 32, 40))
