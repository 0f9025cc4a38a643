"""What the PyTorch backend makes of a network before it runs."""

import copy

import pytest
import torch

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import RRDBNetSpec, SRResNetSpec
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend

CPU = torch.device("cpu")


@pytest.fixture
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build_generator(RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=4))


def test_batches_go_through_the_network_channels_last_and_without_gradient(network, monkeypatch):
    seen = []
    monkeypatch.setattr(
        type(network), "forward", lambda _, x: seen.append((x.is_contiguous(memory_format=torch.channels_last), x)) or x
    )
    batch = torch.rand(1, 3, 8, 6)
    TorchBackend(network, scale=4, device=CPU).run(batch)
    assert seen[0][0]
    assert seen[0][1].is_inference()


def test_float32_gives_the_networks_own_numbers_and_leaves_it_in_training(network):
    batch = torch.rand(1, 3, 8, 6)
    expected = network(batch)
    result = TorchBackend(network, scale=4, device=CPU).run(batch)
    torch.testing.assert_close(result, expected.detach(), atol=1e-5, rtol=0)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_only_the_fast_network_is_compiled_and_only_on_request(network, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: compiled.append(module) or (lambda x: x + 1))
    batch = torch.rand(1, 3, 8, 6)
    TorchBackend(network, scale=4, device=CPU)
    assert compiled == []
    backend = TorchBackend(network, scale=4, device=CPU, dtype=torch.bfloat16, compiled=True)
    assert torch.equal(backend.run(batch), batch + 1)
    assert backend.run_exactly(batch).shape == (1, 3, 32, 24)
    assert len(compiled) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_measuring_the_footprint_of_a_network_in_training_changes_no_number(dtype):
    torch.manual_seed(0)
    network = build_generator(SRResNetSpec(num_feat=16, num_block=2)).train()
    with torch.inference_mode():
        expected = copy.deepcopy(network).eval()(batch := torch.rand(1, 3, 8, 8))
    backend = TorchBackend(network, scale=4, device=CPU, dtype=dtype)
    assert backend.bytes_per_pixel() > 0
    torch.testing.assert_close(backend.run_exactly(batch), expected, atol=1e-5, rtol=0)
