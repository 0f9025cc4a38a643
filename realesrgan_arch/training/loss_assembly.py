"""From options to the losses of a run."""

from dataclasses import dataclass, replace

import torch
from torch import nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.amplitude import AmplitudeLoss
from realesrgan_arch.losses.backbone import load_backbone, load_distilled
from realesrgan_arch.losses.base_distance import BaseOutputDistance, BaseWeightDistance
from realesrgan_arch.losses.features import FeatureLoss
from realesrgan_arch.losses.gradient_penalty import GradientPenalty
from realesrgan_arch.losses.ldl import LdlLoss
from realesrgan_arch.losses.learned import BACKBONE_FILES, LearnedDistance, build_dists, build_lpips
from realesrgan_arch.losses.low_frequency import LowFrequencyLoss
from realesrgan_arch.losses.perceptual import PerceptualLoss
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.losses.terms import GeneratorTerm, Losses
from realesrgan_arch.networks.distilled_vgg19 import DistilledVgg19
from realesrgan_arch.networks.vgg19 import VGG19Features, select_vgg19_state
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.losses import BaseDistanceOptions, GanLossOptions, PerceptualLossOptions
from realesrgan_arch.options.train import TrainOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_into, load_weights

VGG19_FILE = "vgg19-dcbb9e9d.pth"


@dataclass(frozen=True)
class LossParts:
    """What losses need of the run: the generator as it starts, its average if there is one, and where they compute."""

    generator: nn.Module
    averaged: nn.Module | None
    device: torch.device


def assemble_losses(options: Options, parts: LossParts) -> Losses:
    """Return the losses of `options` on their device, with the weights that they need.

    Raises:
        UserError: weights that are absent, damaged or of another network.
    """
    train = require_train(options)
    losses = build_losses(options)
    if losses.perceptual is not None and train.perceptual_opt is not None:
        _load_vgg19(losses.perceptual, train.perceptual_opt, parts.device)
    more = build_further_terms(train, parts)
    for term in more.values():
        if isinstance(term, LearnedDistance):
            load_backbone(term, find_or_download(BACKBONE_FILES[term.backbone]), parts.device)
        elif isinstance(term, FeatureLoss) and train.feature_opt is not None:
            load_distilled(term, train.feature_opt.weights, parts.device)
    return replace(losses, more=more)


def build_losses(options: Options) -> Losses:
    """Return the losses that `options` describe, on the CPU; VGG19 still has its freshly drawn weights."""
    train = require_train(options)
    pixel = train.pixel_opt
    return Losses(
        pixel=PixelLoss(pixel.type, weight=pixel.loss_weight, eps=pixel.eps, reduction=pixel.reduction)
        if pixel
        else None,
        perceptual=_build_perceptual(train.perceptual_opt) if train.perceptual_opt else None,
        adversarial=_build_adversarial(options, train.gan_opt) if train.gan_opt else None,
    )


def _build_adversarial(options: Options, gan: GanLossOptions) -> AdversarialLoss:
    weight = gan.gradient_penalty
    return AdversarialLoss(
        gan.gan_type,
        weight=gan.loss_weight,
        real_label=gan.real_label_val,
        fake_label=gan.fake_label_val,
        relativistic=options.is_relativistic,
        start_step=gan.start_iter,
        ramp_steps=gan.ramp_iter,
        penalty=GradientPenalty(weight, seed=options.manual_seed) if weight else None,
    )


def build_further_terms(train: TrainOptions, parts: LossParts) -> dict[str, GeneratorTerm]:
    """Return the generator's further losses by their names in the log; backbones still have freshly drawn weights.

    Raises:
        MissingExtraError: torchmetrics is not installed where LPIPS or DISTS is asked for.
    """
    terms: dict[str, GeneratorTerm] = {}
    if train.ldl_opt is not None and parts.averaged is not None:
        terms["l_g_ldl"] = LdlLoss(parts.averaged, weight=train.ldl_opt.loss_weight, window=train.ldl_opt.window)
    if train.lpips_opt is not None:
        terms["l_g_lpips"] = build_lpips(train.lpips_opt.net, weight=train.lpips_opt.loss_weight)
    if train.dists_opt is not None:
        terms["l_g_dists"] = build_dists(weight=train.dists_opt.loss_weight)
    if train.feature_opt is not None:
        layers, weight = train.feature_opt.layer_weights, train.feature_opt.loss_weight
        terms["l_g_features"] = FeatureLoss(DistilledVgg19(), layer_weights=layers, weight=weight)
    if train.amplitude_opt is not None:
        terms["l_g_amplitude"] = AmplitudeLoss(weight=train.amplitude_opt.loss_weight)
    if train.low_frequency_opt is not None:
        low = train.low_frequency_opt
        terms["l_g_low_frequency"] = LowFrequencyLoss(weight=low.loss_weight, sigma=low.sigma)
    if train.base_opt is not None:
        terms["l_g_base"] = _build_base_distance(train.base_opt, parts.generator)
    return terms


def _build_base_distance(options: BaseDistanceOptions, generator: nn.Module) -> GeneratorTerm:
    if options.on == "weights":
        return BaseWeightDistance(generator, weight=options.loss_weight)
    sigma = options.sigma if options.on == "details" else None
    return BaseOutputDistance(generator, weight=options.loss_weight, sigma=sigma)


def _build_perceptual(options: PerceptualLossOptions) -> PerceptualLoss:
    network = VGG19Features(
        list(options.layer_weights), use_input_norm=options.use_input_norm, range_norm=options.range_norm
    )
    return PerceptualLoss(
        network,
        layer_weights=options.layer_weights,
        weight=options.perceptual_weight,
        criterion=options.criterion,
        feature_scale=options.feature_scale,
    )


def _load_vgg19(loss: PerceptualLoss, options: PerceptualLossOptions, device: torch.device) -> None:
    path = find_or_download(str(options.weights or VGG19_FILE))
    state = select_vgg19_state(load_weights(path).state, loss.network)
    load_into(loss.network, state, strict=True, name="train.perceptual_opt.weights")
    loss.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
