"""SRResNet has the layers of the SRGAN paper, in every precision."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from realesrgan_arch.networks.build import build_generator, lower_precision
from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.spec import SRResNetSpec
from realesrgan_arch.networks.srresnet import SRResNet

SMALL = {"num_feat": 8, "num_block": 2}


def _used(**values) -> SRResNet:
    """A small network whose statistics and slopes are not those of the start."""
    torch.manual_seed(0)
    network = SRResNet(**(SMALL | values))
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
        if isinstance(layer, nn.PReLU):
            nn.init.uniform_(layer.weight, 0.1, 0.4)
    return network.eval()


def _picture(height: int = 6, width: int = 5) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_it_has_the_parameters_of_the_paper() -> None:
    head = 3 * 64 * 9 * 9 + 64 + 1
    block = 2 * (64 * 64 * 3 * 3 + 64) + 2 * 2 * 64 + 1
    middle = 64 * 64 * 3 * 3 + 64 + 2 * 64
    up = 64 * 256 * 3 * 3 + 256 + 1
    tail = 64 * 3 * 9 * 9 + 3
    count = sum(value.numel() for value in SRResNet().parameters())
    assert count == head + 16 * block + middle + 2 * up + tail == 1_549_462


def test_its_layers_follow_one_another_as_in_the_papers_figure() -> None:
    net = _used()
    found = net(_picture())
    state = net.state_dict()

    def conv(name: str, x: torch.Tensor) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias

    def slope(name: str, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(min=0) + state[f"{name}.weight"] * x.clamp(max=0)

    first = x = slope("act_first", conv("conv_first", _picture()))
    for place in ("body.0", "body.1"):
        inside = slope(f"{place}.act", norm(f"{place}.bn1", conv(f"{place}.conv1", x)))
        x = x + norm(f"{place}.bn2", conv(f"{place}.conv2", inside))
    x = first + norm("bn_body", conv("conv_body", x))
    for place in ("up.0", "up.1"):
        x = slope(f"{place}.act", F.pixel_shuffle(conv(f"{place}.conv", x), 2))
    torch.testing.assert_close(found, conv("conv_last", x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_every_side_is_magnified_by_the_scale(scale) -> None:
    assert _used(upscale=scale)(_picture()).shape == (2, 3, 6 * scale, 5 * scale)


@pytest.mark.parametrize("scale", [0, 3, 8])
def test_another_scale_is_refused(scale) -> None:
    with pytest.raises(NetworkError, match=f"magnifies by 1, 2 or 4, got upscale {scale}"):
        SRResNet(upscale=scale)


def test_a_tanh_at_the_end_maps_to_zero_and_one_and_stands_in_the_state() -> None:
    plain, bounded = _used(), _used(final="tanh")
    assert set(bounded.state_dict()) - set(plain.state_dict()) == {"final.tanh"}
    torch.testing.assert_close(bounded(_picture()), (plain(_picture()).tanh() + 1) / 2)


def test_a_prelu_may_end_the_body() -> None:
    net = _used(body_end="prelu")
    assert net.act_body.weight.shape == (1,)
    assert not any(name.startswith("bn_body") for name in net.state_dict())
    assert net(_picture()).shape == (2, 3, 24, 20)


def test_every_field_of_the_spec_reaches_the_network() -> None:
    spec = SRResNetSpec(num_in_ch=1, num_out_ch=2, num_feat=8, num_block=3, upscale=2, body_end="prelu", final="tanh")
    net = build_generator(spec)
    assert isinstance(net, SRResNet)
    assert (len(net.body), net.scale) == (3, 2)
    assert {"act_body.weight", "final.tanh"} <= set(net.state_dict())
    assert net(torch.rand(2, 1, 4, 6)).shape == (2, 2, 8, 12)


def test_in_lower_precision_batch_norm_and_the_last_layer_stay_float32() -> None:
    net = _used()
    exact = net(_picture())
    lower_precision(net, torch.bfloat16)
    assert {name for name, value in net.named_parameters() if value.dtype == torch.float32} == {
        name for name, _ in net.named_parameters() if "bn" in name or "conv_last" in name
    }
    assert all(value.dtype != torch.bfloat16 for name, value in net.named_buffers())
    found = net(_picture())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0)


def test_under_autocast_the_statistics_move_in_float32_and_the_picture_is_float32() -> None:
    net = _used().train()
    with torch.autocast("cpu", torch.bfloat16):
        sr = net(_picture())
    sr.square().mean().backward()
    assert sr.dtype == torch.float32
    assert net.body[0].bn1.running_mean.dtype == torch.float32
    assert net.body[0].bn1.num_batches_tracked == 1
    assert all(value.grad is not None and value.grad.isfinite().all() for value in net.parameters())


def test_the_sum_of_the_blocks_stays_float32_under_autocast() -> None:
    seen = []
    net = _used()
    net.body[-1].register_forward_hook(lambda module, args, output: seen.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        net(_picture())
    assert seen == [torch.float32]
