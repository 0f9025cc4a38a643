"""RRDBNet against BasicSR's, its checkpointing and its precision."""

import pytest
import torch
from torch import nn

import tests.shims  # noqa: F401

# isort: split
from basicsr.archs.rrdbnet_arch import RRDBNet as UpstreamRRDBNet

from realesrgan_arch.networks.build import lower_precision
from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.rrdbnet import RRDBNet

SMALL = {"num_feat": 12, "num_block": 2, "num_grow_ch": 6}


def pair(scale: int) -> tuple[RRDBNet, UpstreamRRDBNet]:
    torch.manual_seed(scale)
    upstream = UpstreamRRDBNet(3, 3, scale=scale, **SMALL)
    ours = RRDBNet(scale=scale, **SMALL)
    ours.load_state_dict(upstream.state_dict(), strict=True)
    return ours, upstream


def picture(side: int = 16) -> torch.Tensor:
    return torch.rand(2, 3, side, side + 4, generator=torch.Generator().manual_seed(1))


def gradients(network: nn.Module) -> dict[str, torch.Tensor]:
    network.zero_grad()
    network(picture()).square().mean().backward()
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


@pytest.mark.parametrize("scale", [4, 2, 1])
def test_same_weights_give_upstreams_output_and_gradients(scale):
    ours, upstream = pair(scale)
    sr = ours(picture())
    assert sr.shape == (2, 3, 16 * scale, 20 * scale)
    torch.testing.assert_close(sr, upstream(picture()), atol=1e-5, rtol=0)
    expected = gradients(upstream)
    for name, gradient in gradients(ours).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4, msg=name)


def test_the_same_seed_gives_upstreams_initial_weights():
    torch.manual_seed(5)
    upstream = UpstreamRRDBNet(3, 3, **SMALL).state_dict()
    torch.manual_seed(5)
    ours = RRDBNet(**SMALL).state_dict()
    assert list(ours) == list(upstream)
    assert all(torch.equal(ours[name], upstream[name]) for name in upstream)


def test_the_released_size_has_16697987_parameters():
    with torch.device("meta"):
        network = RRDBNet()
    assert sum(parameter.numel() for parameter in network.parameters()) == 16_697_987


def saved_bytes(network: RRDBNet) -> int:
    """Bytes that autograd keeps from the forward to the backward pass, without the parameters."""
    parameters = {parameter.data_ptr() for parameter in network.parameters()}
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in parameters:
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(picture())
    return sum(storages.values())


def test_checkpointing_gives_the_same_gradients_from_a_fraction_of_the_memory():
    torch.manual_seed(0)
    plain = RRDBNet(num_feat=12, num_block=6, num_grow_ch=6)
    frugal = RRDBNet(num_feat=12, num_block=6, num_grow_ch=6, checkpointing=True)
    frugal.load_state_dict(plain.state_dict())
    expected = gradients(plain)
    for name, gradient in gradients(frugal).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-7, rtol=1e-5, msg=name)
    # What remains is mostly the upsampling tail, which is not checkpointed and weighs more here than with 23 blocks.
    assert saved_bytes(frugal) < 0.3 * saved_bytes(plain)


def test_checkpointing_changes_nothing_in_eval_mode_and_without_gradient(monkeypatch):
    monkeypatch.setattr(
        "realesrgan_arch.networks.rrdbnet.checkpoint", lambda *_, **__: pytest.fail("nothing has to be recomputed")
    )
    network = RRDBNet(**SMALL, checkpointing=True)
    with torch.no_grad():
        network(picture())
    network.eval()(picture())


@pytest.mark.parametrize(("scale", "multiple"), [(2, 2), (1, 4)])
def test_sides_that_cannot_be_folded_are_refused_with_the_multiple(scale, multiple):
    network = RRDBNet(scale=scale, **SMALL)
    with pytest.raises(NetworkError, match=rf"multiples of {multiple}, got 16x17 \(width x height\)"):
        network(torch.rand(1, 3, 17, 16))


def test_an_unknown_scale_is_refused():
    with pytest.raises(NetworkError, match="4, 2 or 1, got scale 3"):
        RRDBNet(scale=3)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return -10 * float(torch.log10((a - b).square().mean()))


@torch.inference_mode()
def test_bfloat16_inference_stays_close_and_gives_float32():
    ours, upstream = pair(4)
    sr = lower_precision(ours, torch.bfloat16)(picture())
    assert sr.dtype == torch.float32
    assert ours.conv_last.weight.dtype == torch.float32
    assert psnr(sr, upstream(picture())) > 60


@torch.inference_mode()
def test_the_body_keeps_its_residual_sum_in_float32_when_the_convolutions_are_bfloat16():
    ours, _ = pair(4)
    seen = []
    ours.body[1].register_forward_hook(lambda _module, inputs, output: seen.extend((inputs[0].dtype, output.dtype)))
    lower_precision(ours, torch.bfloat16)(picture())
    assert seen == [torch.float32, torch.float32]


def test_under_autocast_the_picture_is_float32_and_gradients_point_the_same_way():
    ours, upstream = pair(4)
    with torch.autocast("cpu", torch.bfloat16):
        sr = ours(picture())
    assert sr.dtype == torch.float32
    sr.square().mean().backward()
    expected = gradients(upstream)
    for name, parameter in ours.named_parameters():
        assert torch.cosine_similarity(parameter.grad.flatten(), expected[name].flatten(), dim=0) > 0.99, name
