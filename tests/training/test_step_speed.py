"""What makes a step fast changes nothing of its mathematics, and no step makes the host wait for the device."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from realesrgan_arch.losses.perceptual import PerceptualLoss, perceptual_distance
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.networks.vgg19 import VGG19Features
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.train import OptimizerOptions
from realesrgan_arch.training.assembly import _build_optimizer, assemble_model
from realesrgan_arch.training.freezing import plan_freezing
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.run_folder import RunFolder
from tests.tiny_run import tiny_options
from tests.training.builders import run_steps, tensors

READS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "_unique2", "unique_dim")
"""Operators whose result the host must see: on a GPU each of them waits for all work that was given before."""
RRDB = RRDBNetSpec(num_feat=8, num_block=3, num_grow_ch=4)
COMPACT = CompactSpec(num_feat=8, num_conv=3)


class CountReads(TorchDispatchMode):
    """Notes every operator that makes the host wait for a device."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name == "index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in READS or by_mask:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def whole_model(root: Path, *, seed: int = 0, **train: object) -> FineTuneModel:
    """Everything that a step can have, as the options build it."""
    torch.manual_seed(seed)
    torch.save(VGG19Features(["conv1_2"]).state_dict(), root / "vgg.pth")
    mapping = tiny_options(root, root, gan=True) | {"manual_seed": 0}
    perceptual = {"type": "PerceptualLoss", "layer_weights": {"conv1_2": 1.0}, "weights": str(root / "vgg.pth")}
    mapping["train"] |= {"perceptual_opt": perceptual, **train}
    return assemble_model(parse_options(mapping), run_folder=RunFolder(root / "run"))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_no_operator_of_a_step_makes_the_host_wait(tmp_path, accumulate) -> None:
    """With the optimisers of a GPU. Six steps see both noises and the full pool."""
    model = whole_model(tmp_path, accumulate=accumulate)
    for player in model.game.players():
        parameters = player.plan.trainable_parameters(player.network)
        player.optimizer = _build_optimizer(parameters, OptimizerOptions(lr=1e-3), torch.device("cuda"))
    with CountReads() as reads:
        run_steps(model, 1, 6)
    assert reads.seen == []
    with reads:
        model.get_current_log()
    assert set(reads.seen) == {"_local_scalar_dense"}  # printing is what reads


def test_two_runs_are_equal_bit_for_bit(tmp_path) -> None:
    first, second = (whole_model(tmp_path) for _ in range(2))
    for model in (first, second):
        run_steps(model, 1, 3)
    expected, found = tensors(first), tensors(second)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_the_optimiser_of_a_gpu_goes_where_that_of_a_cpu_goes(kind) -> None:
    options = OptimizerOptions(type=kind, lr=1e-3, weight_decay=0.01)
    networks = [build_generator(COMPACT).to(memory_format=torch.channels_last) for _ in range(2)]  # pyright: ignore
    networks[1].load_state_dict(networks[0].state_dict())
    devices = (torch.device("cpu"), torch.device("cuda"))
    optimizers = [_build_optimizer(n.parameters(), options, d) for n, d in zip(networks, devices, strict=True)]
    assert [o is not None and o.defaults["fused"] for o in optimizers] == [None, True]
    image = torch.rand(2, 3, 16, 16)
    for _ in range(10):
        networks[0].zero_grad()
        networks[0](image).square().sum().backward()
        for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
            assert a.grad is not None
            b.grad = a.grad.clone()
        for optimizer in optimizers:
            assert optimizer is not None
            optimizer.step()
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def saved_bytes(network: torch.nn.Module, run: Callable[[], Tensor]) -> tuple[int, Tensor]:
    """Return what autograd keeps of a forward pass, each storage once, without parameters; and its output."""
    storages: dict[int, int] = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = run()
    return sum(storages.values()), output


def _frozen(spec: GeneratorSpec, pattern: str) -> torch.nn.Module:
    torch.manual_seed(0)
    network = build_generator(spec).train()
    plan_freezing(network, [pattern], key="test").apply(network)
    return network


@pytest.mark.parametrize(
    ("spec", "pattern", "kept_of_all"),
    [(RRDB, "conv_last", 0.3), (RRDB, "body.2.*", 0.9), (COMPACT, "last:1", 0.3), (COMPACT, "last:2", 0.6)],
)
def test_autograd_keeps_nothing_of_a_frozen_prefix(spec, pattern, kept_of_all) -> None:
    """So running it under `no_grad` would save no memory and no time: it is not done."""
    image = torch.rand(2, 3, 16, 16)
    network = _frozen(spec, pattern)
    whole = _frozen(spec, "all")
    everything, _ = saved_bytes(whole, lambda: whole(image))
    kept, output = saved_bytes(network, lambda: network(image))
    assert 0 < kept < kept_of_all * everything
    output.sum().backward()


def test_a_prefix_under_no_grad_would_keep_as_much_and_give_the_same_gradients() -> None:
    image, network = torch.rand(2, 3, 16, 16), _frozen(RRDB, "conv_last")
    assert isinstance(network, RRDBNet)
    kept, output = saved_bytes(network, lambda: network(image))
    output.square().sum().backward()
    weight = network.conv_last.weight
    expected, weight.grad = weight.grad, None
    features: list[Tensor] = []
    network.conv_last.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    with torch.no_grad():
        network(image)
    network.conv_last(features[0]).square().sum().backward()
    assert expected is not None and weight.grad is not None
    assert torch.equal(expected, weight.grad)
    assert kept == features[0].untyped_storage().nbytes()  # what the last convolution needs in either case


@pytest.fixture
def perceptual() -> Iterator[PerceptualLoss]:
    torch.manual_seed(0)
    yield PerceptualLoss(VGG19Features(["conv1_2", "conv2_2"]), layer_weights={"conv1_2": 0.1, "conv2_2": 1.0})


def test_two_passes_of_vgg_keep_less_than_one_pass_over_both_and_agree_with_it(perceptual) -> None:
    """The backward pass of one batch would go through the target's half as well, to no end."""
    image, target = (torch.rand(2, 3, 32, 32, requires_grad=needs) for needs in (True, False))

    def together() -> Tensor:
        found = perceptual.network(torch.cat((image, target)))
        halves = [{name: value[rows] for name, value in found.items()} for rows in (slice(2), slice(2, 4))]
        fixed = {name: value.detach() for name, value in halves[1].items()}
        return perceptual_distance(halves[0], fixed, weights=perceptual.layer_weights, squared=False)

    apart_bytes, apart = saved_bytes(perceptual, lambda: perceptual(image, target))
    (gradient,) = torch.autograd.grad(apart, image)
    together_bytes, both = saved_bytes(perceptual, together)
    (other,) = torch.autograd.grad(both, image)
    assert apart_bytes < 0.75 * together_bytes
    torch.testing.assert_close(apart, both, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-8)


def test_channels_last_networks_give_the_gradients_of_plain_ones(tmp_path) -> None:
    plain, fast = (whole_model(tmp_path) for _ in range(2))
    networks = [fast.generator.network, fast.game.losses.perceptual, fast.discriminator and fast.discriminator.network]
    weights = [p for network in networks if network for p in network.parameters() if p.dim() == 4 and p.shape[1] > 1]
    assert weights and all(p.is_contiguous(memory_format=torch.channels_last) for p in weights)
    for player in plain.game.players():
        player.network.to(memory_format=torch.contiguous_format)
    for model in (plain, fast):
        run_steps(model, 1, 1)
    for a, b in zip(plain.game.players(), fast.game.players(), strict=True):
        for p, q in zip(a.network.parameters(), b.network.parameters(), strict=True):
            assert p.grad is not None and q.grad is not None
            torch.testing.assert_close(p.grad, q.grad, rtol=1e-3, atol=1e-6)
            assert q.grad.stride() == q.stride()  # a fused optimiser walks through both in the order of memory
    assert plain.get_current_log() == pytest.approx(fast.get_current_log(), rel=1e-5)
