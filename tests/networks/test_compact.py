"""SRVGGNetCompact against Real-ESRGAN's."""

import pytest
import torch

import tests.shims  # noqa: F401

# isort: split
from realesrgan.archs.srvgg_arch import SRVGGNetCompact as UpstreamCompact

from realesrgan_arch.networks.build import lower_precision
from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.networks.layers import NetworkError


def picture() -> torch.Tensor:
    return torch.rand(2, 3, 9, 13, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("act_type", "upscale"), [("prelu", 4), ("relu", 2), ("leakyrelu", 3)])
def test_same_seed_gives_upstreams_weights_output_and_gradients(act_type, upscale):
    settings = {"num_feat": 8, "num_conv": 3, "upscale": upscale, "act_type": act_type}
    torch.manual_seed(5)
    upstream = UpstreamCompact(**settings)
    torch.manual_seed(5)
    ours = SRVGGNetCompact(**settings)
    theirs = upstream.state_dict()
    assert list(ours.state_dict()) == list(theirs)
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.state_dict().items())
    sr, expected = ours(picture()), upstream(picture())
    assert sr.shape == (2, 3, 9 * upscale, 13 * upscale)
    torch.testing.assert_close(sr, expected, atol=1e-5, rtol=0)
    for result in (sr, expected):
        result.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in upstream.named_parameters()}
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-4, msg=name)


@torch.inference_mode()
def test_in_bfloat16_the_picture_itself_is_not_rounded():
    network = SRVGGNetCompact(num_feat=8, num_conv=1)
    torch.nn.init.zeros_(network.body[-1].weight)
    torch.nn.init.zeros_(network.body[-1].bias)
    image = picture()
    sr = lower_precision(network, torch.bfloat16)(image)
    torch.testing.assert_close(sr, torch.nn.functional.interpolate(image, scale_factor=4), atol=0, rtol=0)


def test_an_unknown_activation_is_refused():
    with pytest.raises(NetworkError, match="act_type must be one of relu, prelu, leakyrelu, got 'gelu'"):
        SRVGGNetCompact(act_type="gelu")
