"""What is predicted is what a real step needs.

Measured is on the CPU, on the networks in their whole depth and at the size in question: the distinct storages that
autograd saves (`saved_tensors_hooks`), and every allocation and release of the process's tensors (`torch.profiler`
with `profile_memory`), which sees what checkpointing recomputes and what operators take inside themselves.
"""

import copy
import gc
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from operator import itemgetter
from pathlib import Path

import pytest
import torch

from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import PatchDiscriminatorSpec, RRDBNetSpec, SRGANDiscriminatorSpec
from realesrgan_arch.options.load import load_options, parse_options
from realesrgan_arch.training.freezing import plan_freezing
from realesrgan_arch.training.game import Game
from realesrgan_arch.training.loss_assembly import LossParts, build_further_terms, build_losses
from realesrgan_arch.training.memory import MemoryModel, with_checkpointing
from realesrgan_arch.training.players import StepRules
from realesrgan_arch.training.schedule import ConstantSchedule
from realesrgan_arch.training.steps import Targets
from realesrgan_arch.training.trainable_choices import list_choices, own_choice
from tests.tiny_run import tiny_options
from tests.training.builders import player

X4PLUS = Path(__file__).parents[2] / "options" / "finetune_x4plus_architecture.yml"
RRDB = {"type": "RRDBNet", "num_feat": 8, "num_block": 5, "num_grow_ch": 4}
COMPACT = {"type": "SRVGGNetCompact", "num_feat": 8, "num_conv": 8, "upscale": 4}
SRRESNET = {"type": "SRResNet", "num_feat": 8, "num_block": 5}
NETWORKS = {"RRDBNet": RRDB, "compact": COMPACT, "SRResNet": SRRESNET}
JUDGE = {"type": "SRGANDiscriminator", "num_feat": 8, "input_size": 64}
GT_SIZE = 64


@pytest.fixture(scope="module", autouse=True)
def frozen_heap() -> Iterator[None]:
    """What is there already is left out of the collections, which would take longer than the steps."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _options(network: dict, *, gan: bool = True, vgg: bool = True, batch: int = 2, further: dict | None = None):
    mapping = tiny_options(Path("photos"), Path("runs"), gan=gan)
    mapping |= {"network_g": network, "gt_size": GT_SIZE}
    mapping["datasets"]["train"] |= {"crop_size": 80, "batch_size_per_gpu": batch}
    if further:
        mapping["train"] |= further
        mapping["datasets"]["train"]["crop_size"] = GT_SIZE  # so that no degradation is the peak
        mapping["path"]["pretrain_network_g"] = "base.pth"
    if vgg:
        mapping["train"]["perceptual_opt"] = {"layer_weights": {"conv3_4": 1}}
        mapping["model_type"] = "RealESRGANModel"
    return parse_options(mapping)


def _profiled(run) -> tuple[int, int]:
    """Return the bytes that `run` leaves allocated, and the most that it had at once.

    Only what `run` allocates counts. The profiler remembers the sizes of blocks that died after an earlier profile, and
    reports them again when a block from before `run` that took the same address is released in it.
    """
    gc.collect()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        kept = run()
    tree = profile.profiler.kineto_results.experimental_event_tree()
    alive: dict[int, int] = {}
    running = [0]
    for _, address, size in sorted(_allocations(tree), key=itemgetter(0)):
        if size > 0:
            alive[address] = size
            running.append(running[-1] + size)
        else:
            running.append(running[-1] - alive.pop(address, 0))
    del kept
    return running[-1], max(running)


def _allocations(nodes) -> Iterator[tuple[int, int, int]]:
    """Yield time, address and bytes of every allocation (more than 0) and release (less)."""
    for node in nodes:
        if node.tag == torch._C._profiler._EventType.Allocation:
            yield node.start_time_ns, node.extra_fields.ptr, node.extra_fields.alloc_size
        yield from _allocations(node.children)


def test_a_block_from_before_a_profile_counts_in_none() -> None:
    """Blocks of 16 kB often come back at the same address, which is what the profiler is misled by."""
    blocks = []
    assert _profiled(lambda: blocks.extend(torch.empty(2**12) for _ in range(64))) == (2**20, 2**20)
    seen = {block.data_ptr() for block in blocks}
    blocks.clear()
    blocks.extend(torch.empty(2**12) for _ in range(64))
    assert any(block.data_ptr() in seen for block in blocks)
    assert _profiled(blocks.clear) == (0, 0)


def _prepared(spec, patterns, *, checkpointing: bool, batch: int):
    network = build_generator(with_checkpointing(spec, enabled=checkpointing))
    plan_freezing(network, patterns, key="test").apply(network)
    return network, torch.rand(batch, 3, GT_SIZE // 4, GT_SIZE // 4)


def _saved_by_autograd(network, lq) -> int:
    sizes = {}
    known = (lq, *network.parameters(), *network.buffers())
    there = {tensor.untyped_storage().data_ptr() for tensor in known}

    def pack(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kept = network(lq)
    del kept
    return sum(size for pointer, size in sizes.items() if pointer not in there)


GRID = [("RRDBNet", p) for p in ("conv_last", "last:2", "last:20", "bias", "all")]
GRID += [("compact", p) for p in ("last:1", "last:4", "bias", "all")]
GRID += [("SRResNet", p) for p in ("conv_last", "last:6", "bias", "all")]


# One picture more adds what the first one takes, and only RRDBNet recomputes: both once for each network is enough.
SAVED = [(name, pattern, False, 2) for name, pattern in GRID]
SAVED += [(name, pattern, True, 2) for name, pattern in GRID if name == "RRDBNet"]
SAVED += [(name, "all", False, 1) for name in NETWORKS] + [("RRDBNet", "all", True, 1)]

PEAKS = [("RRDBNet", pattern, kept, 2) for pattern in ("conv_last", "last:2", "all") for kept in (False, True)]
PEAKS += [(name, "all", False, 2) for name in ("compact", "SRResNet")]
PEAKS += [(name, "all", False, 1) for name in NETWORKS] + [("RRDBNet", "all", True, 1)]


@cache
def _model(name: str, *, judged: bool) -> MemoryModel:
    """The model of a network, with VGG and a discriminator or without: it keeps what it has rehearsed."""
    return MemoryModel(_options(NETWORKS[name], gan=judged, vgg=judged))


def _predicted(options, pattern: str, *, checkpointing: bool, batch: int, model: MemoryModel | None = None):
    choices = {choice.label: choice for choice in list_choices(options.network_g)}
    choice = choices.get(pattern, own_choice(options.network_g, (pattern,)))
    model = model or MemoryModel(options)
    return model.predict(choice, checkpointing=checkpointing, at_once=batch, dtype=torch.float32)


@pytest.mark.parametrize(("name", "pattern", "checkpointing", "batch"), SAVED)
def test_saved_activations_are_those_that_the_forward_pass_leaves(name, pattern, checkpointing, batch) -> None:
    options = _options(NETWORKS[name], gan=False, vgg=False)
    model = _model(name, judged=False)
    found = _predicted(options, pattern, checkpointing=checkpointing, batch=batch, model=model)
    network, lq = _prepared(options.network_g, pattern, checkpointing=checkpointing, batch=batch)
    left, _ = _profiled(lambda: network(lq))
    assert found.saved == pytest.approx(left, rel=0.02)
    result = batch * 3 * GT_SIZE**2 * 4
    if not checkpointing:
        assert found.saved - result == _saved_by_autograd(network, lq)


def _losses(options, network) -> Losses:
    average = copy.deepcopy(network).requires_grad_(requires_grad=False).eval()
    parts = LossParts(network, average, torch.device("cpu"))
    return replace(build_losses(options), more=build_further_terms(options.train, parts))


def _measured_peak(options, patterns, *, checkpointing: bool, batch: int) -> int:
    """The peak of the second of two real steps, beside weights, moments and batch."""
    network = build_generator(with_checkpointing(options.network_g, enabled=checkpointing))
    judge = player(build_discriminator(options.network_d), "all") if options.network_d else None
    game = Game(
        generator=player(network, patterns),
        discriminator=judge,
        losses=_losses(options, network),
        rules=StepRules(ConstantSchedule(), base_rate_g=1e-3, base_rate_d=1e-3),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    lq, gt = torch.rand(batch, 3, GT_SIZE // 4, GT_SIZE // 4), torch.rand(batch, 3, GT_SIZE, GT_SIZE)
    game.play(lq, Targets(gt, gt, gt), step=1)
    for one in game.players():
        one.optimizer.zero_grad()  # so that the gradients of the measured step count
    return _profiled(lambda: game.play(lq, Targets(gt, gt, gt), step=2))[1]


@pytest.mark.parametrize(("name", "pattern", "checkpointing", "batch"), PEAKS)
def test_the_peak_is_that_of_a_real_step_with_vgg_and_a_discriminator(name, pattern, checkpointing, batch) -> None:
    options = _options(NETWORKS[name])
    model = _model(name, judged=True)
    found = _predicted(options, pattern, checkpointing=checkpointing, batch=batch, model=model)
    predicted = sum(found.parts[part] for part in ("gradients", "saved activations", "working", "workspace"))
    measured = _measured_peak(options, [pattern], checkpointing=checkpointing, batch=batch)
    assert predicted == pytest.approx(measured, rel=0.2)


def test_a_judge_of_whole_crops_is_rehearsed_at_its_own_side() -> None:
    options = _options(SRRESNET, vgg=False).model_copy(update={"network_d": SRGANDiscriminatorSpec(**JUDGE)})
    found = _predicted(options, "all", checkpointing=False, batch=2)
    predicted = sum(found.parts[part] for part in ("gradients", "saved activations", "working", "workspace"))
    measured = _measured_peak(options, ["all"], checkpointing=False, batch=2)
    assert predicted == pytest.approx(measured, rel=0.2)


@pytest.mark.parametrize(
    ("generator", "patterns", "judge", "least"),
    [
        (SRRESNET, ("all",), None, 2),
        (SRRESNET, ("conv_last",), None, 1),
        (SRRESNET, ("conv_last",), JUDGE, 2),
        (RRDB, ("all",), None, 1),
    ],
)
def test_a_batch_norm_that_trains_wants_two_pictures_at_once(generator, patterns, judge, least) -> None:
    options = _options(generator, gan=False, vgg=False)
    if judge is not None:
        options = options.model_copy(update={"network_d": SRGANDiscriminatorSpec(**judge)})
    assert MemoryModel(options).least_at_once(own_choice(options.network_g, patterns)) == least


@pytest.mark.parametrize(("batch", "least"), [(1, 1), (2, 2), (4, 2)])
def test_one_picture_is_a_batch_where_ranks_share_their_statistics(batch: int, least: int) -> None:
    options = _options(SRRESNET, gan=False, vgg=False)
    data = options.datasets.train.model_copy(update={"batch_size_per_gpu": batch})
    shared = options.dist_params.model_copy(update={"sync_batch_norm": True})
    datasets = options.datasets.model_copy(update={"train": data})
    options = options.model_copy(update={"datasets": datasets, "dist_params": shared})
    assert MemoryModel(options).least_at_once(own_choice(options.network_g, ("all",))) == least


FURTHER = {
    "ldl": {"ldl_opt": {}},
    "lpips": {"lpips_opt": {"net": "squeeze"}},
    "outputs": {"base_opt": {}},
    "weights": {"base_opt": {"on": "weights"}},
    "features": {"feature_opt": {"weights": "perceptual"}},
    "low frequency": {"low_frequency_opt": {"sigma": 3}},
}


@pytest.mark.parametrize("loss", FURTHER)
def test_the_peak_is_that_of_a_real_step_with_a_further_loss(loss) -> None:
    options = _options(COMPACT, gan=False, vgg=False, further=FURTHER[loss])
    found = _predicted(options, "all", checkpointing=False, batch=2)
    predicted = sum(found.parts[part] for part in ("gradients", "saved activations", "working", "workspace"))
    assert predicted == pytest.approx(_measured_peak(options, ["all"], checkpointing=False, batch=2), rel=0.2)


def test_the_peak_of_the_amplitude_loss_is_that_of_a_real_step_beside_the_workspace_of_the_transform() -> None:
    """A transform takes its workspace past the allocator, so that it cannot be measured here."""
    options = _options(COMPACT, gan=False, vgg=False, further={"amplitude_opt": {}})
    found = _predicted(options, "all", checkpointing=False, batch=2)
    predicted = sum(found.parts[part] for part in ("gradients", "saved activations", "working"))
    assert predicted == pytest.approx(_measured_peak(options, ["all"], checkpointing=False, batch=2), rel=0.05)
    assert found.parts["workspace"] >= 2 * 3 * GT_SIZE**2 * 8  # a complex picture


def test_what_further_losses_keep_counts_and_the_average_counts_once() -> None:
    plain = _predicted(_options(RRDB, vgg=False, gan=False), "conv_last", checkpointing=False, batch=1).parts
    size = sum(4 * value.numel() for value in build_generator(_options(RRDB).network_g).parameters())
    more = {}
    for loss in ("ldl", "outputs", "weights"):
        options = _options(RRDB, vgg=False, gan=False, further=FURTHER[loss])
        more[loss] = _predicted(options, "conv_last", checkpointing=False, batch=1).parts
    assert more["ldl"]["weights"] == plain["weights"]
    assert more["outputs"]["weights"] == plain["weights"] + size
    assert more["weights"]["weights"] == plain["weights"]
    assert more["weights"]["start"] == 4 * (8 * 3 * 9 + 3)


@pytest.mark.parametrize(("unshuffle", "depth"), [(1, 3), (2, 2), (4, 4)])
def test_a_judge_of_patches_is_rehearsed_on_pictures_that_it_can_halve(unshuffle: int, depth: int) -> None:
    spec = PatchDiscriminatorSpec(num_feat=16, unshuffle=unshuffle, depth=depth)
    options = _options(COMPACT, vgg=False).model_copy(update={"network_d": spec})
    found = _predicted(options, "all", checkpointing=False, batch=2)
    predicted = sum(found.parts[part] for part in ("gradients", "saved activations", "working", "workspace"))
    assert predicted == pytest.approx(_measured_peak(options, ["all"], checkpointing=False, batch=2), rel=0.2)


@pytest.mark.parametrize(
    "gan_opt", [{"relativistic": True}, {"gan_type": "wgan", "gradient_penalty": 10}], ids=["relativistic", "penalty"]
)
def test_the_peak_of_a_game_holds_the_graphs_that_its_loss_joins(gan_opt) -> None:
    plain, options = (_game_options(changes) for changes in ({}, gan_opt))
    first, found = (_predicted(one, "last:1", checkpointing=False, batch=2) for one in (plain, options))
    assert found.moment == "discriminator"
    assert found.parts["working"] > 1.3 * first.parts["working"]
    predicted = sum(found.parts[part] for part in ("gradients", "saved activations", "working", "workspace"))
    measured = _measured_peak(options, ["last:1"], checkpointing=False, batch=2)
    assert predicted == pytest.approx(measured, rel=0.2)


def _game_options(gan_opt: dict):
    """A wide discriminator against a small generator, so that the former decides."""
    mapping = tiny_options(Path("photos"), Path("runs"), gan=True)
    mapping |= {"network_g": COMPACT, "gt_size": GT_SIZE, "network_d": {"type": "UNetDiscriminatorSN", "num_feat": 16}}
    mapping["datasets"]["train"] |= {"crop_size": 80, "batch_size_per_gpu": 2}
    mapping["train"]["gan_opt"] = mapping["train"]["gan_opt"] | gan_opt
    return parse_options(mapping)


@pytest.mark.parametrize(
    ("network", "checkpointing"),
    [
        (RRDB | {"num_block": 7}, False),
        (RRDB | {"num_block": 7}, True),
        (COMPACT | {"num_conv": 12}, False),
        (SRRESNET | {"num_block": 7}, False),
    ],
    ids=["RRDBNet", "RRDBNet recomputed", "compact", "SRResNet"],
)
def test_shallow_twins_tell_the_memory_of_the_deep_network(network, checkpointing) -> None:
    options = _options(network)
    model = MemoryModel(options)
    for choice in list_choices(options.network_g):
        whole = own_choice(options.network_g, choice.patterns)
        found, wanted = (
            model.predict(c, checkpointing=checkpointing, at_once=2, dtype=torch.float32) for c in (choice, whole)
        )
        assert (choice.label, found) == (choice.label, wanted)


def test_the_activations_of_the_released_network_are_those_measured_before() -> None:
    options = load_options(X4PLUS, overrides=["train.trainable.network_g=all"]).options
    model = MemoryModel(options)
    choice = next(c for c in list_choices(options.network_g) if c.label == "all")
    result = 12 * 3 * 256**2 * 4
    for checkpointing, gibibytes in ((False, 10.37), (True, 0.94)):
        found = model.predict(choice, checkpointing=checkpointing, at_once=12, dtype=torch.float32)
        assert (found.saved - result) / 2**30 == pytest.approx(gibibytes, abs=0.01)


def test_the_parts_are_the_sizes_of_the_networks() -> None:
    options = _options(RRDB, vgg=False)
    choice = own_choice(options.network_g, ("all",))
    found = MemoryModel(options).predict(choice, checkpointing=False, at_once=1, dtype=torch.float32)
    generator, judge = build_generator(options.network_g), build_discriminator(options.network_d)
    numbers_g, numbers_d = (sum(p.numel() for p in n.parameters()) for n in (generator, judge))
    buffers = sum(b.numel() for b in judge.buffers())
    assert found.parts["weights"] == 4 * (numbers_g + numbers_d + buffers)
    assert found.parts["gradients"] == 4 * (numbers_g + numbers_d)
    assert found.parts["optimizer"] == 8 * (numbers_g + numbers_d)
    assert found.parts["average"] == 4 * numbers_g
    assert found.parts["pool"] == 4 * 3 * (GT_SIZE**2 + (GT_SIZE // 4) ** 2)


def test_sixteen_bits_save_memory_and_predicting_moves_no_random_number() -> None:
    options = _options(RRDB)
    state = torch.get_rng_state()
    model, choice = MemoryModel(options), own_choice(_options(RRDB).network_g, ("all",))
    full, half = (
        model.predict(choice, checkpointing=False, at_once=2, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    assert half.saved < 0.75 * full.saved
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_peak_on_a_gpu_is_near_the_prediction(checkpointing) -> None:
    spec = RRDBNetSpec(num_block=6, checkpointing=checkpointing)
    mapping = tiny_options(Path("photos"), Path("runs"))
    mapping |= {"network_g": {"type": "RRDBNet", "num_block": 6}, "gt_size": 256}
    mapping["datasets"]["train"] |= {"crop_size": 256, "batch_size_per_gpu": 4}
    options = parse_options(mapping)
    choice = own_choice(options.network_g, ("all",))
    found = MemoryModel(options).predict(choice, checkpointing=checkpointing, at_once=4, dtype=torch.float32)
    network = build_generator(spec).cuda()
    lq, gt = torch.rand(4, 3, 64, 64, device="cuda"), torch.rand(4, 3, 256, 256, device="cuda")
    for _ in range(2):
        network.zero_grad()
        torch.cuda.reset_peak_memory_stats()
        (network(lq) - gt).abs().mean().backward()
    measured = torch.cuda.max_memory_allocated()
    seen = ("weights", "gradients", "saved activations", "working", "workspace")
    assert sum(found.parts[part] for part in seen) == pytest.approx(measured, rel=0.2)
