"""Batch norm in a run: its statistics are shared where asked for, and kept when a step fails."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import SRGANDiscriminatorSpec, SRResNetSpec
from realesrgan_arch.options.load import OptionsError, parse_options
from realesrgan_arch.training import assembly
from realesrgan_arch.training.assembly import assemble_model
from realesrgan_arch.training.game import Game
from realesrgan_arch.training.players import StepRules
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.schedule import ConstantSchedule
from realesrgan_arch.training.steps import Targets
from tests.tiny_run import tiny_options
from tests.training.builders import player

SRRESNET = {"type": "SRResNet", "num_feat": 4, "num_block": 1}


def _options(tmp_path, *, batch_size: int = 2, **change):
    mapping = tiny_options(tmp_path, tmp_path) | {"network_g": SRRESNET}
    mapping["datasets"]["train"]["batch_size_per_gpu"] = batch_size
    mapping["train"] |= change.pop("train", {})
    return parse_options(mapping | change)


def _norms(network: nn.Module) -> set[type]:
    return {type(layer) for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)}


def _meet(monkeypatch, *, world_size: int) -> None:
    monkeypatch.setattr(assembly.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(assembly.dist, "get_world_size", lambda: world_size)


def test_many_processes_share_their_statistics_under_the_same_names(tmp_path, monkeypatch) -> None:
    options = _options(tmp_path, dist_params={"sync_batch_norm": True})
    alone = assemble_model(options, run_folder=RunFolder(tmp_path))
    _meet(monkeypatch, world_size=2)
    together = assemble_model(options, run_folder=RunFolder(tmp_path))
    unasked = assemble_model(_options(tmp_path), run_folder=RunFolder(tmp_path))
    assert [_norms(model.generator.network) for model in (alone, together, unasked)] == [
        {nn.BatchNorm2d}, {nn.SyncBatchNorm}, {nn.BatchNorm2d},
    ]  # fmt: skip
    states = [model.generator.network.state_dict() for model in (alone, together)]
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    trained = [value for group in together.generator.optimizer.param_groups for value in group["params"]]
    assert {id(value) for value in trained} == {id(value) for value in together.generator.network.parameters()}
    shared = together.generator.network.full_precision_layers
    assert sum(isinstance(layer, nn.SyncBatchNorm) for layer in shared) == 3
    lq = torch.rand(1, 3, 4, 4)
    assert torch.equal(together.ema.network(lq), alone.ema.network(lq))


def test_patterns_that_train_batch_norm_on_one_image_are_refused_when_the_network_is_there(tmp_path) -> None:
    train = {"trainable": {"network_g": ["last:4"]}}
    with pytest.raises(
        OptionsError, match="batch_size_per_gpu: expected at least 2, because the batch norm of network_g"
    ):
        assemble_model(_options(tmp_path, batch_size=1, train=train), run_folder=RunFolder(tmp_path))
    train = {"trainable": {"network_g": ["conv_last"]}}
    assemble_model(_options(tmp_path, batch_size=1, train=train), run_folder=RunFolder(tmp_path))


def test_one_image_for_each_of_many_processes_is_enough_where_they_share_their_statistics(
    tmp_path, monkeypatch
) -> None:
    shared = _options(tmp_path, batch_size=1, dist_params={"sync_batch_norm": True})
    alone = {"trainable": {"network_g": ["last:4"]}}
    with pytest.raises(OptionsError, match="expected at least 2, because the batch norm of network_g"):
        assemble_model(shared, run_folder=RunFolder(tmp_path))
    _meet(monkeypatch, world_size=1)
    with pytest.raises(OptionsError, match="expected at least 2, because the batch norm of network_g"):
        assemble_model(shared, run_folder=RunFolder(tmp_path))
    _meet(monkeypatch, world_size=2)
    assemble_model(shared, run_folder=RunFolder(tmp_path))
    with pytest.raises(OptionsError, match="expected at least 2, because the batch norm of network_g"):
        assemble_model(_options(tmp_path, batch_size=1, train=alone), run_folder=RunFolder(tmp_path))


def _learn_statistics(rank: int, folder: Path, device: str, backend: str) -> None:
    """One of two processes: put its half of the pictures through a generator, and leave the statistics of it."""
    torch.backends.cudnn.allow_tf32 = False
    meeting = f"file://{folder / 'meeting'}"
    dist.init_process_group(backend, init_method=meeting, rank=rank, world_size=2)
    options = _options(folder, batch_size=1, dist_params={"sync_batch_norm": device == "cuda"})
    place = torch.device(device, rank) if device == "cuda" else torch.device(device)
    network = assembly._with_shared_statistics(assembly.load_base_generator(options), options).to(place).train()
    network(_pictures()[rank : rank + 1].to(place)).mean().backward()
    torch.save({name: value.cpu() for name, value in network.named_buffers()}, folder / f"{rank}.pt")
    dist.destroy_process_group()


def _pictures() -> torch.Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_processes_with_one_picture_each_learn_the_statistics_of_both(tmp_path) -> None:
    mp.spawn(_learn_statistics, args=(tmp_path, "cuda", "nccl"), nprocs=2)
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    alone = assembly.load_base_generator(_options(tmp_path)).train()
    alone(_pictures())
    for name, expected in alone.named_buffers():
        assert torch.equal(found[0][name], found[1][name])
        torch.testing.assert_close(found[0][name], expected, rtol=1e-4, atol=1e-5)


def _game() -> Game:
    torch.manual_seed(0)
    return Game(
        generator=player(build_generator(SRResNetSpec(num_feat=4, num_block=1)), "all"),
        discriminator=player(build_discriminator(SRGANDiscriminatorSpec(num_feat=2, input_size=32)), "all"),
        losses=Losses(PixelLoss(), None, AdversarialLoss()),
        rules=StepRules(ConstantSchedule(), base_rate_g=1e-3, base_rate_d=1e-3),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


def test_a_step_that_is_not_finite_moves_no_statistic() -> None:
    game = _game()
    networks = [one.network for one in game.players()]
    lq, gt = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32)
    before = [{name: value.clone() for name, value in network.state_dict().items()} for network in networks]
    spoilt = gt.clone()
    spoilt[0, 0, 0, 0] = float("nan")
    game.play(lq, Targets(spoilt, spoilt, spoilt), step=1)
    for network, kept in zip(networks, before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())
    game.play(lq, Targets(gt, gt, gt), step=1)
    for network, kept in zip(networks, before, strict=True):
        moved = {name for name, value in network.state_dict().items() if not torch.equal(value, kept[name])}
        assert set(dict(network.named_buffers())) <= moved
