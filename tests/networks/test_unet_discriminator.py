"""The U-Net discriminator against Real-ESRGAN's."""

import pytest
import torch

import tests.shims  # noqa: F401

# isort: split
from realesrgan.archs.discriminator_arch import UNetDiscriminatorSN as UpstreamDiscriminator

from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.unet_discriminator import UNetDiscriminatorSN


def picture() -> torch.Tensor:
    return torch.rand(2, 3, 24, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("skip_connection", [True, False])
def test_same_weights_give_upstreams_logits_gradients_and_power_iteration(skip_connection):
    torch.manual_seed(0)
    upstream = UpstreamDiscriminator(3, num_feat=8, skip_connection=skip_connection)
    ours = UNetDiscriminatorSN(num_feat=8, skip_connection=skip_connection)
    ours.load_state_dict(upstream.state_dict(), strict=True)
    images = [picture().requires_grad_() for _ in range(2)]
    logits, expected = ours(images[0]), upstream(images[1])
    assert logits.shape == (2, 1, 24, 32)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    for result in (logits, expected):
        result.square().mean().backward()
    torch.testing.assert_close(images[0].grad, images[1].grad, atol=1e-5, rtol=1e-4)
    gradients = {name: parameter.grad for name, parameter in upstream.named_parameters()}
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-4, msg=name)
    buffers = dict(upstream.named_buffers())
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in ours.named_buffers())


def test_the_same_seed_gives_upstreams_initial_weights():
    torch.manual_seed(5)
    upstream = UpstreamDiscriminator(3, num_feat=8).state_dict()
    torch.manual_seed(5)
    ours = UNetDiscriminatorSN(num_feat=8).state_dict()
    assert list(ours) == list(upstream)
    assert all(torch.equal(ours[name], upstream[name]) for name in upstream)


def test_it_has_the_ten_convolutions_of_the_design():
    layers = [layer for layer in UNetDiscriminatorSN().modules() if isinstance(layer, torch.nn.Conv2d)]
    rows = [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0], c.bias is not None) for c in layers]
    assert rows == [
        (3, 64, 3, 1, True),
        (64, 128, 4, 2, False),
        (128, 256, 4, 2, False),
        (256, 512, 4, 2, False),
        (512, 256, 3, 1, False),
        (256, 128, 3, 1, False),
        (128, 64, 3, 1, False),
        (64, 64, 3, 1, False),
        (64, 64, 3, 1, False),
        (64, 1, 3, 1, True),
    ]
    assert [hasattr(layer, "weight_orig") for layer in layers] == [False, *[True] * 8, False]


def test_sides_that_do_not_meet_again_are_refused():
    with pytest.raises(NetworkError, match="multiples of 8, got 30x24"):
        UNetDiscriminatorSN(num_feat=4)(torch.rand(1, 3, 24, 30))
