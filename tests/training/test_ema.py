"""The average follows the live weights by the formula, and shares what is frozen."""

import pytest
import torch
from torch import nn

from realesrgan_arch.training.ema import Ema

_MOVES = torch.tensor(data=True)


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))


def test_the_average_follows_the_formula_for_a_hundred_steps() -> None:
    network = _network()
    ema = Ema(network, trainable={"2.weight"}, decay=0.99)
    expected = network[2].weight.detach().clone()
    for _ in range(100):
        with torch.no_grad():
            network[2].weight.add_(torch.randn_like(network[2].weight) * 0.01)
        ema.update(_MOVES)
        expected = 0.99 * expected + 0.01 * network[2].weight.detach()
    torch.testing.assert_close(ema.network[2].weight, expected, rtol=1e-5, atol=1e-7)


def test_frozen_tensors_are_shared_and_stay_bit_identical() -> None:
    network = _network()
    before = network[0].weight.detach().clone()
    ema = Ema(network, trainable={"2.weight", "2.bias"}, decay=0.999)
    for _ in range(10):
        ema.update(_MOVES)
    assert ema.network[0].weight.data_ptr() == network[0].weight.data_ptr()
    assert torch.equal(ema.network[0].weight, before)
    assert ema.network[2].weight.data_ptr() != network[2].weight.data_ptr()


def test_batch_norm_statistics_are_copied() -> None:
    network = _network().train()
    ema = Ema(network, trainable=dict(network.named_parameters()), decay=0.9)
    network(torch.rand(2, 3, 4, 4) + 5)
    ema.update(_MOVES)
    assert torch.equal(ema.network[1].running_mean, network[1].running_mean)
    assert ema.network[1].num_batches_tracked == 1


def test_a_decay_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\), got 1"):
        Ema(_network(), trainable=(), decay=1)
