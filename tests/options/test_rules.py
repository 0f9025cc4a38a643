# ruff: noqa: E501 - the tables hold whole sentences

import pytest
import torch

from realesrgan_arch.networks.vgg19 import VGG19Features
from realesrgan_arch.options.load import (
    load_options,
)
from tests.options.files import GAN, NET, PAIRS, problems, with_override


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["queue_size=100"], "queue_size: expected a multiple of datasets.train.batch_size_per_gpu (12), got 100; 96 would do"),
        (["gt_size=258", "network_d=", "train.gan_opt="], "gt_size: expected a multiple of 4 (the scale is 4), got 258"),
        (["gt_size=252"], "gt_size: expected a multiple of 8 (network_d halves its input three times), got 252"),
        (["gt_size=512"], "datasets.train.crop_size: expected at least gt_size (512), got 400"),
        (["datasets.train.crop_size=402"], "datasets.train.crop_size: expected a multiple of the scale (4), got 402"),
        (["resize_prob=[0.2, 0.7, 0.2]"], "resize_prob: expected probabilities that sum to 1, got [0.2, 0.7, 0.2], which sum "
         "to 1.1"),
        (["datasets.train.kernel_prob2=[0.5, 0.5]"], "datasets.train.kernel_prob2: expected one probability for each of the 6 "
         "in kernel_list2, got 2"),
        (["datasets.train.kernel_prob=[0.5, 0.25, 0.12, 0.03, 0.12, 0.03]"], "datasets.train.kernel_prob: expected "
         "probabilities that sum to 1, got [0.5, 0.25, 0.12, 0.03, 0.12, 0.03], which sum to 1.05"),
        (["jpeg_range2=[95, 30]"], "jpeg_range2: expected [low, high], got [95, 30]"),
        (["datasets.train.blur_sigma=[3, 0.2]"], "datasets.train.blur_sigma: expected [low, high], got [3, 0.2]"),
        (["datasets.train.degradation=blur_bicubic", "datasets.train.blur_sigma=[0.2, 4]", "lq_from_usm=false", "queue_size=0"],
         "datasets.train.blur_sigma: expected at most 3.5 with degradation blur_bicubic, whose kernel is 21 px wide, got 4"),
        (["network_g.scale=2"], "network_g.scale: expected 4 (the `scale` at the top), got 2"),
        (["network_g.num_block=0"], "network_g.num_block: expected a whole number >= 1, got 0"),
        (["network_d.num_in_ch=1"], "network_d.num_in_ch: expected 3 (images are RGB here), got 1"),
        (["network_d="], "network_d: this key is required by train.gan_opt; remove both to train without"),
        (["train.gan_opt="], "train.gan_opt: this key is required by network_d; remove both to train without"),
        (["train.optim_d="], "train.optim_d: this key is required by network_d"),
        (["model_type=RealESRNetModel"], "network_d: RealESRNetModel trains without a discriminator; remove network_d and "
         "train.gan_opt, or choose model_type: RealESRGANModel"),
        (["high_order_degradation=false"], "high_order_degradation: expected true, because type RealESRGANDataset has no LQ "
         "images"),
        (["datasets.train.dataroot_gt="], "datasets.train.dataroot_gt: this key is required; expected the folder of the "
         "images"),
        (["datasets.train.dataroot_gt=", "datasets.train.meta_info=", "datasets.train.manifest=x.csv"], "datasets.train."
         "dataroot_gt: this key is required; expected the folder of the images"),
        (["datasets.train.filename_tmpl='{name}x4'"], "datasets.train.filename_tmpl: expected a text with one {} for the stem "
         "of the GT file, got '{name}x4'"),
        (["datasets.train.filename_tmpl=x4"], "datasets.train.filename_tmpl: expected a text with one {} for the stem of the "
         "GT file, got 'x4'"),
        (["datasets.train.filename_tmpl='{}_{}'"], "datasets.train.filename_tmpl: expected a text with one {} for the stem of "
         "the GT file, got '{}_{}'"),
        (
            ["train.accumulate=4", "train.pixel_opt.reduction=sum"],
            "train.pixel_opt.reduction: expected mean with train.accumulate, whose parts are averaged, got sum",
        ),
        (["train.accumulate=5"], "train.accumulate: expected a divisor of datasets.train.batch_size_per_gpu (12), got 5"),
        (["train.trainable.network_g=none", "train.trainable.network_d=none"], "train.trainable.network_g: expected something "
         "to train, got none, and no discriminator is trained; choose all, last:N, ..."),
        (["train.trainable.network_g=none", "network_d=", "train.gan_opt="], "train.trainable.network_g: expected something to "
         "train, got none, and no discriminator is trained; choose all, last:N, ..."),
        (["val.max_images=3"], "val.max_images: unknown key; did you mean datasets.val.max_images?"),
        (["datasets.val.type=PairedImageDataset", "datasets.val.dataroot_gt=x"], "datasets.val.dataroot_lq: this key is "
         "required by type PairedImageDataset; expected the folder of the low-quality images"),
        (["datasets.train.io_backend.type=lmdb", "datasets.train.dataroot_gt=tiles"], "datasets.train.dataroot_gt: expected a "
         "folder that ends in .lmdb because io_backend.type is lmdb, got tiles"),
        (["datasets.val.type=SyntheticPairs", "datasets.val.dataroot_gt=x.lmdb"], "datasets.val.io_backend.type: expected lmdb "
         "because dataroot_gt is x.lmdb, got disk"),
        (["datasets.train.meta_info_file=x"], "datasets.train.meta_info_file: expected either meta_info or meta_info_file, got "
         "both"),
        (["train.perceptual_opt.layer_weights.conv6_1=1"], "train.perceptual_opt.layer_weights.conv6_1: VGG19 has no such "
         "layer; expected conv1_1 ... conv5_4, relu1_1 ... or pool1 ..."),
        (["train.perceptual_opt.layer_weights={}"], "train.perceptual_opt.layer_weights: expected at least one layer, such as "
         "conv5_4: 1"),
        (["train.scheduler={type: CosineAnnealingRestartLR, periods: [5, 5]}"], "train.scheduler.restart_weights: expected one "
         "weight for each of the 2 periods, got 1"),
        (["gt_usm=true", "l1_gt_usm=false"], "gt_usm: stands for l1_gt_usm and lq_from_usm, but l1_gt_usm says otherwise; give "
         "one of them"),
        (["datasets.train="], "datasets.train: this key is required by `train`; expected a mapping"),
        (["train.pixel_opt=", "train.perceptual_opt=", "train.gan_opt=", "network_d="], "train.pixel_opt: this key is "
         "required without perceptual_opt, lpips_opt, dists_opt, feature_opt and gan_opt"),
        (["train.ldl_opt={}", "train.ema_decay=0"], "train.ema_decay: expected more than 0 with train.ldl_opt, which compares "
         "with the averaged weights; 0.999 would do"),
        (["train.ldl_opt={window: 6}"], "train.ldl_opt.window: expected an odd number between 3 and 31, got 6"),
        (["train.ldl_opt={window: 1}"], "train.ldl_opt.window: expected an odd number between 3 and 31, got 1"),
        (["train.ldl_opt={window: 257}"], "train.ldl_opt.window: expected an odd number between 3 and 31, got 257"),
        (["train.ldl_opt={window: 33}"], "train.ldl_opt.window: expected an odd number between 3 and 31, got 33"),
        (["gt_size=16", "train.ldl_opt={window: 17}"], "train.ldl_opt.window: expected an odd number between 3 and gt_size (16), "
         "got 17"),
        (["train.low_frequency_opt={sigma: 0}"], "train.low_frequency_opt.sigma: expected a number >= 0.1 and <= 100, got 0"),
        (["network_d={type: PatchDiscriminatorSN, depth: 4, unshuffle: 4}", "gt_size=96"], "gt_size: expected a multiple of 64 "
         "(network_d makes its input 64 times smaller), got 96"),
        (["network_d={type: PatchDiscriminatorSN, depth: 0}"], "network_d.depth: expected a whole number >= 1, got 0"),
        (["network_d={type: PatchDiscriminatorSN, unshuffle: 3}"], "network_d.unshuffle: expected one of 1, 2, 4, got 3"),
        (["train.pixel_opt=", "train.perceptual_opt=", "train.gan_opt=", "network_d=", "train.amplitude_opt={}",
          "train.low_frequency_opt={}"],
         "train.pixel_opt: this key is required without perceptual_opt, lpips_opt, dists_opt, feature_opt and gan_opt"),
        (["gt_size=8"], "gt_size: expected at least 16 with VGG19's layer conv5_4, got 8"),
        (["gt_size=16", "train.perceptual_opt.layer_weights={pool5: 1, conv1_1: 1}"], "gt_size: expected at least 32 with "
         "VGG19's layer pool5, got 16"),
        (["gt_size=8", "train.perceptual_opt.layer_weights={pool4: 1}"], "gt_size: expected at least 16 with VGG19's layer "
         "pool4, got 8"),
        (["gt_size=16", "train.lpips_opt={net: alex}"], "gt_size: expected at least 32 with train.lpips_opt, got 16"),
        (["gt_size=8", "train.dists_opt={}", "train.perceptual_opt="], "gt_size: expected at least 16 with train.dists_opt, got 8"),
        (["gt_size=8", "train.feature_opt={weights: x, layer_weights: {conv4_1: 1, conv1_1: 1}}", "train.perceptual_opt="],
         "gt_size: expected at least 16 with train.feature_opt's layer conv4_1, got 8"),
        (["train.feature_opt={weights: x, layer_weights: {conv1_2: 1}}"], "train.feature_opt.layer_weights.conv1_2: the "
         "distilled VGG19 has no such layer; expected one of conv1_1, conv2_1, conv3_1, conv4_1, conv5_1"),
        (["train.feature_opt={weights: x, layer_weights: {}}"], "train.feature_opt.layer_weights: expected at least one "
         "layer, such as conv3_1: 1"),
        (["train.base_opt={}", "path.pretrain_network_g="], "path.pretrain_network_g: this key is required by train.base_opt: "
         "the distance is to these weights; where another stage trains them, name experiments/<name of that stage>/models/"
         "net_g_best_psnr.pth"),
        (["train.pixel_opt=", "train.perceptual_opt=", "train.gan_opt=", "network_d=", "train.ldl_opt={}", "train.base_opt={}"],
         "train.pixel_opt: this key is required without perceptual_opt, lpips_opt, dists_opt, feature_opt and gan_opt"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_said_once_and_alone(overrides, message):
    assert with_override(*overrides) == [message]


def test_pairs_have_rules_of_their_own():
    assert "line 11: high_order_degradation" not in problems(PAIRS, "queue_size=181", "datasets.train.dataroot_lq=")[0]
    texts = problems(PAIRS, "high_order_degradation=true", "gt_size=64")
    assert "high_order_degradation: expected false, because type RealESRGANPairedDataset brings its own LQ" in texts[1]
    assert "datasets.train.gt_size: expected the `gt_size` at the top (64), got 256; give it once" in texts[0]


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["network_d={type: SRGANDiscriminator, input_size: 96}", "gt_size=", "datasets.train.gt_size=256"],
         "network_d.input_size: expected the side of the crops, gt_size (256)"),
        (["datasets.train.gt_size=8"], "datasets.train.gt_size: expected at least 16 with VGG19's layer conv5_4, got 8"),
        (["train.lpips_opt={}", "datasets.train.gt_size=8", "train.perceptual_opt="],
         "datasets.train.gt_size: expected at least 16 with train.lpips_opt, got 8"),
    ],
)  # fmt: skip
def test_the_crops_of_pairs_are_spoken_of_by_the_key_that_says_their_side(overrides, text):
    (found,) = problems(PAIRS, *overrides)
    assert text in found
    assert ": gt_size:" not in found


def test_the_side_of_the_crops_has_the_key_that_said_it():
    options = load_options(PAIRS, overrides=["datasets.train.gt_size=128"]).options
    assert options.crop_gt_path == ("datasets", "train", "gt_size")
    assert load_options(GAN).options.crop_gt_path == ("gt_size",)


@pytest.mark.parametrize(
    ("layer", "side"), [("conv1_1", 8), ("relu4_4", 8), ("pool3", 8), ("conv5_4", 16), ("relu5_4", 16), ("pool5", 32)]
)
def test_the_least_crop_of_a_layer_of_vgg19_is_taken_by_the_network_too(layer, side):
    overrides = [f"gt_size={side}", f"train.perceptual_opt.layer_weights={{{layer}: 1}}"]
    load_options(GAN, overrides=overrides)
    network = VGG19Features([layer])
    assert network(torch.zeros(1, 3, side, side))[layer].numel() > 0


def test_rrdbnet_of_scale_2_folds_pixels():
    (text,) = problems(NET, "gt_size=258")
    assert text.endswith("gt_size: expected a multiple of 4 (RRDBNet of scale 2 folds pixels into channels), got 258")


def test_a_frozen_generator_with_a_discriminator_that_learns_is_no_mistake():
    loaded = load_options(GAN, overrides=["train.trainable.network_g=none", "train.accumulate=4"])
    assert loaded.options.train.trainable.network_g == ("none",)


def test_a_frozen_discriminator_needs_no_optimiser():
    loaded = load_options(GAN, overrides=["train.optim_d=", "train.trainable.network_d=none"])
    assert loaded.options.train.trainable.network_d == ("none",)


@pytest.mark.parametrize("loss", ["lpips_opt", "dists_opt"])
def test_a_learned_distance_alone_is_something_to_minimise(loss):
    others = [f"train.{key}=" for key in ("pixel_opt", "perceptual_opt", "gan_opt")]
    options = load_options(GAN, overrides=[*others, "network_d=", f"train.{loss}={{}}"]).options
    assert options.train.pixel_opt is None
    assert getattr(options.train, loss).loss_weight == 1
