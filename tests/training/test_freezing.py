"""Patterns choose what trains; what they leave out does not move by one bit."""

import pytest
import torch
from torch import nn

from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, SRResNetSpec, UNetDiscriminatorSpec
from realesrgan_arch.training.freezing import FreezePlan, FreezingError, describe_trainable, plan_freezing


@pytest.fixture
def rrdbnet() -> nn.Module:
    return build_generator(RRDBNetSpec(num_feat=8, num_block=3, num_grow_ch=4))


@pytest.fixture
def compact() -> nn.Module:
    return build_generator(CompactSpec(num_feat=8, num_conv=4))


def _layers(plan) -> set[str]:
    return {name.rpartition(".")[0] for name in plan.trainable}


@pytest.mark.parametrize(
    ("patterns", "layers"),
    [
        ("conv_last", {"conv_last"}),
        (["body.2.rdb3.conv5"], {"body.2.rdb3.conv5"}),
        (["body.[0-1].rdb1.conv?"], {f"body.{b}.rdb1.conv{c}" for b in (0, 1) for c in range(1, 6)}),
        (["conv_hr", "conv_last"], {"conv_hr", "conv_last"}),
        ("last:2", {"conv_hr", "conv_last"}),
        ("first:1", {"conv_first"}),
        ("none", set()),
    ],
)
def test_patterns_choose_layers(rrdbnet, patterns, layers) -> None:
    assert _layers(plan_freezing(rrdbnet, patterns, key="k")) == layers


def test_a_module_name_takes_all_below_it_and_no_namesake(rrdbnet) -> None:
    plan = plan_freezing(rrdbnet, ["body.1"], key="k")
    assert {name.split(".")[1] for name in plan.trainable} == {"1"}
    assert len(plan.trainable) == 3 * 5 * 2


def test_all_and_bias_choose_parameters(rrdbnet) -> None:
    names = {name for name, _ in rrdbnet.named_parameters()}
    assert plan_freezing(rrdbnet, "all", key="k").trainable == names
    assert plan_freezing(rrdbnet, "bias", key="k").trainable == {n for n in names if n.endswith("bias")}


def test_last_counts_convolutions_and_takes_the_activations_between(compact) -> None:
    # body: conv, prelu, (conv, prelu) x 4, conv; the last two convolutions have one PReLU between them.
    assert _layers(plan_freezing(compact, "last:2", key="k")) == {"body.8", "body.9", "body.10"}


def test_all_layers_by_count_is_all(compact) -> None:
    everything = plan_freezing(compact, "all", key="k").trainable
    assert plan_freezing(compact, "last:6", key="k").trainable == everything
    assert plan_freezing(compact, "first:6", key="k").trainable == everything


def test_a_pattern_that_matches_nothing_names_the_nearest_layers(rrdbnet) -> None:
    with pytest.raises(FreezingError, match=r"train.trainable.network_g.*'conv_lst'.*conv_last"):
        plan_freezing(rrdbnet, ["conv_lst"], key="train.trainable.network_g")


@pytest.mark.parametrize("pattern", ["last:0", "last:7"])
def test_a_count_beyond_the_layers_is_an_error(compact, pattern) -> None:
    with pytest.raises(FreezingError, match="between 1 and 6"):
        plan_freezing(compact, pattern, key="k")


def test_frozen_discriminator_keeps_its_spectral_norm_buffers() -> None:
    network = build_discriminator(UNetDiscriminatorSpec(num_feat=4))
    plan = plan_freezing(network, "none", key="k")
    plan.apply(network)
    before = plan.fingerprint(network)
    assert any(name.endswith("weight_u") for name in plan.frozen_tensors(network))
    network(torch.rand(1, 3, 32, 32))
    assert plan.fingerprint(network) == before
    # The same forward pass in training mode does move them: the test sees what it is for.
    network.train()
    network(torch.rand(1, 3, 32, 32))
    assert plan.fingerprint(network) != before


def test_partly_frozen_discriminator_moves_only_the_buffers_of_what_trains() -> None:
    network = build_discriminator(UNetDiscriminatorSpec(num_feat=4))
    plan = plan_freezing(network, ["conv7", "conv8", "conv9"], key="k")
    plan.apply(network)
    frozen, moving = network.conv1.weight_u.clone(), network.conv7.weight_u.clone()
    network(torch.rand(1, 3, 32, 32))
    assert torch.equal(network.conv1.weight_u, frozen)
    assert not torch.equal(network.conv7.weight_u, moving)


def test_frozen_batch_norm_does_not_move() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))
    plan = plan_freezing(network, ["2"], key="k")
    plan.apply(network)
    before = plan.fingerprint(network)
    network(torch.rand(2, 3, 4, 4))
    assert plan.fingerprint(network) == before


def test_the_fingerprint_sees_one_changed_bit(rrdbnet) -> None:
    plan = plan_freezing(rrdbnet, ["conv_last"], key="k")
    before = plan.fingerprint(rrdbnet)
    with torch.no_grad():
        rrdbnet.conv_last.weight.add_(1)
    assert plan.fingerprint(rrdbnet) == before
    with torch.no_grad():
        rrdbnet.conv_first.bias[0] = torch.nextafter(rrdbnet.conv_first.bias[0], torch.tensor(1.0))
    assert plan.fingerprint(rrdbnet) != before


def test_the_table_states_layers_counts_and_share() -> None:
    network = build_generator(RRDBNetSpec())
    table = describe_trainable(network, plan_freezing(network, "conv_last", key="k"), title="network_g")
    assert table.splitlines()[0] == "network_g: 1,731 of 16,697,987 parameters train (0.010 %)"
    assert table.splitlines()[1].split() == ["conv_last", "1,731", "0.010", "%"]


def _used(patterns: list[str]) -> tuple[nn.Module, FreezePlan]:
    network = build_generator(SRResNetSpec(num_feat=4, num_block=3, final="tanh"))
    plan = plan_freezing(network, patterns, key="k")
    plan.apply(network)
    return network, plan


def test_frozen_batch_norm_moves_neither_weights_nor_statistics_and_the_rest_does() -> None:
    network, plan = _used(["last:6"])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.Adam(plan.trainable_parameters(network), lr=1e-2)
    fingerprint = plan.fingerprint(network)
    for _ in range(2):
        optimizer.zero_grad()
        network(torch.rand(2, 3, 6, 6)).square().mean().backward()
        optimizer.step()
        plan.apply(network)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert plan.fingerprint(network) == fingerprint
    assert not any(name.startswith(("conv_first", "act_first", "body.0", "body.1")) for name in moved)
    assert {"body.2.bn1.running_mean", "body.2.bn2.num_batches_tracked", "bn_body.running_var"} <= moved
    assert {"body.2.act.weight", "bn_body.weight", "up.0.act.weight"} <= moved


@pytest.mark.parametrize(
    ("patterns", "moves"), [(["all"], True), (["bias"], True), (["last:2"], False), (["body.0.bn1.weight"], True)]
)
def test_batch_norm_takes_statistics_where_anything_of_it_trains(patterns, moves) -> None:
    network, plan = _used(patterns)
    assert plan.moves_batch_norm(network) is moves
    assert any(m.training for m in network.modules() if isinstance(m, nn.BatchNorm2d)) is moves


def test_a_network_without_batch_norm_takes_no_statistics(compact) -> None:
    assert not plan_freezing(compact, "all", key="k").moves_batch_norm(compact)
