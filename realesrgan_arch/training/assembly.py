"""From options to a model that can train: the one place that reads the options of training."""

import logging
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import nn

from realesrgan_arch.degradation.pair_pool import PairPool
from realesrgan_arch.degradation.plain import choose_degradation
from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import LEAST_FOR_BATCH_NORM
from realesrgan_arch.options.load import OptionsError, require_train
from realesrgan_arch.options.network_rules import too_few_for_batch_norm
from realesrgan_arch.options.train import (
    CosineRestartOptions,
    MultiStepOptions,
    OptimizerOptions,
    SchedulerOptions,
    TrainOptions,
)
from realesrgan_arch.options.types import Options
from realesrgan_arch.seeding import Stream, derived_seed
from realesrgan_arch.training.compiling import compile_networks
from realesrgan_arch.training.ema import Ema
from realesrgan_arch.training.freezing import FreezePlan, plan_freezing
from realesrgan_arch.training.loss_assembly import LossParts, assemble_losses
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.players import Player, SharpenedTargets, StepRules
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_record import options_record
from realesrgan_arch.training.schedule import ConstantSchedule, CosineRestartSchedule, MultiStepSchedule, Schedule
from realesrgan_arch.training.synthesis import PairSynthesis
from realesrgan_arch.training.validation import score_rules
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_into, load_weights

logger = logging.getLogger(__name__)
_OPTIMIZERS = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}


def assemble_model(options: Options, *, run_folder: RunFolder) -> FineTuneModel:
    """Build networks, losses, optimisers and the degradation that `options` describe, on the device they name.

    Raises:
        UserError: weights that are absent, damaged or of another network; a pattern that matches no layer.
    """
    train = require_train(options)
    device = choose_device("cpu" if options.num_gpu == 0 else options.device)
    dtype = choose_dtype(device, options.precision, training=True)
    generator = _assemble_generator(options, train, device)
    discriminator = _assemble_discriminator(options, train, device)
    usm = options.usm()
    ema = _assemble_ema(generator, train.ema_decay)
    losses = assemble_losses(options, LossParts(generator.network, ema.network if ema else None, device))
    players = [player.network for player in (generator, discriminator) if player]
    compile_networks([*players, *([losses.perceptual.network] if losses.perceptual else [])], mode=train.compile)
    return FineTuneModel(
        generator=generator,
        discriminator=discriminator,
        ema=ema,
        losses=losses,
        synthesis=None if options.is_paired else assemble_synthesis(options),
        sharpened=SharpenedTargets(pixel=usm.pixel, perceptual=usm.perceptual, adversarial=usm.adversarial),
        rules=_assemble_rules(train),
        score_rules=score_rules(options),
        device=device,
        dtype=dtype,
        run_folder=run_folder,
        options=options_record(options),
    )


def load_base_generator(options: Options) -> nn.Module:
    """Return the generator of `options` with its pre-trained weights, or freshly drawn ones, in fp32 on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(options.manual_seed, Stream.INITIAL_WEIGHTS, 0))
        network = build_generator(options.network_g)
    paths = options.path
    _load_pretrained(
        network, paths.pretrain_network_g, key=paths.param_key_g, strict=paths.strict_load_g, name="network_g"
    )
    return network


def _assemble_generator(options: Options, train: TrainOptions, device: torch.device) -> Player:
    network = _with_shared_statistics(load_base_generator(options), options)
    plan = plan_freezing(network, train.trainable.network_g, key="train.trainable.network_g")
    _check_batch_norm(network, plan, options, key="network_g")
    return _make_player(network, plan, train.optim_g, device)


def _assemble_discriminator(options: Options, train: TrainOptions, device: torch.device) -> Player | None:
    if options.network_d is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(options.manual_seed, Stream.INITIAL_WEIGHTS, 1))
        network = _with_shared_statistics(build_discriminator(options.network_d), options)
    paths = options.path
    _load_pretrained(
        network, paths.pretrain_network_d, key=paths.param_key_d, strict=paths.strict_load_d, name="network_d"
    )
    plan = plan_freezing(network, train.trainable.network_d, key="train.trainable.network_d")
    _check_batch_norm(network, plan, options, key="network_d")
    return _make_player(network, plan, train.optim_d or train.optim_g, device)


def _with_shared_statistics(network: nn.Module, options: Options) -> nn.Module:
    """Let batch norm take the statistics of all ranks; names in checkpoints and the tensors themselves stay."""
    if not _shares_statistics(options):
        return network
    return nn.SyncBatchNorm.convert_sync_batchnorm(network)


def _shares_statistics(options: Options) -> bool:
    return options.dist_params.sync_batch_norm and dist.is_initialized()


def _check_batch_norm(network: nn.Module, plan: FreezePlan, options: Options, *, key: str) -> None:
    batch = options.datasets.train.batch_size_per_gpu if options.datasets.train else LEAST_FOR_BATCH_NORM
    parts = require_train(options).num_parts
    together = batch // parts * (dist.get_world_size() if _shares_statistics(options) else 1)
    if together < LEAST_FOR_BATCH_NORM and plan.moves_batch_norm(network):
        place = "train.accumulate" if batch >= LEAST_FOR_BATCH_NORM else "datasets.train.batch_size_per_gpu"
        raise OptionsError(options.name, [f"{place}: {too_few_for_batch_norm(key, batch=batch, parts=parts)}"])


def _load_pretrained(network: nn.Module, source: str | None, *, key: str | None, strict: bool, name: str) -> None:
    if source is None:
        return
    weights = load_weights(find_or_download(source), key=key)
    misfit = load_into(network, weights, strict=strict, name=f"{name} from {source}")
    for what, keys in (("missing", misfit.missing), ("extra", misfit.extra), ("wrongly shaped", misfit.wrong_shape)):
        if keys:
            logger.warning("%s: %d keys of %s are %s, such as %s", name, len(keys), source, what, keys[0])


def _make_player(network: nn.Module, plan: FreezePlan, options: OptimizerOptions, device: torch.device) -> Player:
    # Channels-last is the layout in which 16-bit convolutions are fast, on a CPU and on CUDA alike.
    network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    plan.apply(network)
    return Player(network, plan, _build_optimizer(plan.trainable_parameters(network), options, device))


def _build_optimizer(
    parameters: Iterable[nn.Parameter], options: OptimizerOptions, device: torch.device
) -> torch.optim.Optimizer | None:
    chosen = list(parameters)
    if not chosen:
        return None
    kind = _OPTIMIZERS[options.type]
    # On CUDA one kernel moves all tensors, and skips a step by a flag on the device without waiting for it. On a CPU
    # it saves 0.3 % of a step and, unlike the CUDA kernel, takes a gradient of another layout without a word.
    fused = True if device.type == "cuda" else None
    return kind(chosen, lr=options.lr, betas=options.betas, weight_decay=options.weight_decay, fused=fused)


def _assemble_ema(generator: Player, decay: float) -> Ema | None:
    if decay == 0:
        return None
    return Ema(generator.network, trainable=generator.plan.trainable, decay=decay)


def assemble_synthesis(options: Options) -> PairSynthesis:
    """Return what makes training pairs of ground-truth crops, with its pool; no network is built."""
    data = options.datasets.train
    return PairSynthesis(
        settings=choose_degradation(data.degradation if data else "full", options.degradation()),
        scale=options.scale,
        gt_size=options.gt_size,
        seed=options.manual_seed,
        lq_from_usm=options.usm().lq,
        pool=PairPool(options.pool_size) if options.pool_size else None,
    )


def _assemble_rules(train: TrainOptions) -> StepRules:
    return StepRules(
        schedule=_assemble_schedule(train.scheduler),
        base_rate_g=train.optim_g.lr,
        base_rate_d=(train.optim_d or train.optim_g).lr,
        warmup_steps=train.warmup_iter,
        accumulate=train.num_parts,
        discriminator_every=train.net_d_iters,
        discriminator_first=train.net_d_init_iters,
        clip_norm=train.clip_grad_norm,
    )


def _assemble_schedule(options: SchedulerOptions | None) -> Schedule:
    match options:
        case None:
            return ConstantSchedule()
        case MultiStepOptions(milestones=milestones, gamma=gamma):
            return MultiStepSchedule(milestones, gamma)
        case CosineRestartOptions(periods=periods, restart_weights=weights, eta_min=eta_min):
            return CosineRestartSchedule(periods, weights, eta_min)
