# ruff: noqa: E501 - the tables hold whole sentences
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, UNetDiscriminatorSpec
from realesrgan_arch.option_types import Options
from realesrgan_arch.options import (
    OptionsError,
    json_schema,
    load_options,
    parse_options,
    require_train,
    strip_runtime_keys,
)

UPSTREAM = sorted((Path(__file__).parent / "assets" / "upstream_options").glob("*.yml"))
GAN = Path(__file__).parent / "assets" / "upstream_options" / "finetune_realesrgan_x4plus.yml"
PAIRS = Path(__file__).parent / "assets" / "upstream_options" / "finetune_realesrgan_x4plus_pairdata.yml"
NET = Path(__file__).parent / "assets" / "upstream_options" / "train_realesrnet_x2plus.yml"
TESTING = {"name": "t", "network_g": {"type": "RRDBNet"}}


def problems(path, *overrides):
    with pytest.raises(OptionsError) as caught:
        load_options(path, overrides=overrides)
    return list(caught.value.problems)


def with_override(*overrides):
    """Return the sentences about the GAN file with `overrides`, without the place that each starts with."""
    places = [f"--set {override}: " for override in overrides]
    texts = problems(GAN, *overrides)
    for place in places:
        texts = [text.removeprefix(place) for text in texts]
    return [re.sub(r"^line \d+: ", "", text) for text in texts]


def changed(path, **extra):
    """Return an option file's mapping with other top-level values."""
    return {**yaml.safe_load(path.read_text()), **extra}


# ---- what is accepted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UPSTREAM, ids=lambda path: path.stem)
def test_every_option_file_of_upstream_is_accepted(path):
    options = load_options(path).options
    assert isinstance(options.network_g, RRDBNetSpec)
    assert options.train.total_iter in (400_000, 1_000_000)
    assert parse_options(yaml.safe_load(path.read_text())) == options


def test_there_are_six_upstream_files():
    assert len(UPSTREAM) == 6


def test_values_of_the_file_arrive():
    options = load_options(GAN).options
    assert options.network_d == UNetDiscriminatorSpec()
    assert (options.train.optim_g.lr, options.train.optim_g.betas) == (1e-4, (0.9, 0.99))
    assert options.train.perceptual_opt.layer_weights["conv5_4"] == 1.0
    assert options.train.gan_opt.loss_weight == 0.1
    assert options.logger.save_checkpoint_freq == 5000
    assert options.path.strict_load_g is True
    assert options.path.resume_state is None
    assert options.datasets.train.list_file == Path("datasets/photographs/meta_info.txt")
    assert options.train.trainable.network_g == ("all",)


def test_the_released_degradation_is_the_default_one():
    assert load_options(GAN).options.degradation() == DegradationSettings()
    assert parse_options(TESTING).degradation() == DegradationSettings()


def test_each_degradation_key_goes_to_its_pass():
    overrides = ["second_blur_prob=0.5", "noise_range2=[2, 3]", "jpeg_range=[40, 50]", "datasets.train.sinc_prob2=0.3"]
    overrides += ["datasets.train.blur_sigma=[1, 2]", "datasets.train.final_sinc_prob=0.25", "gray_noise_prob=0.125"]
    settings_ = load_options(GAN, overrides=overrides).options.degradation()
    assert settings_.first.jpeg_quality_range == (40, 50)
    assert settings_.first.blur_sigma_range == (1, 2)
    assert settings_.first.gray_noise_prob == 0.125
    assert (settings_.second.blur_prob, settings_.second.sinc_prob) == (0.5, 0.3)
    assert settings_.second.noise_sigma_255_range == (2, 3)
    assert settings_.second.jpeg_quality_range == (30, 95)
    assert settings_.final_sinc_prob == 0.25


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (True, True, True, False)),
        ({"gt_usm": False}, (False, False, True, False)),
        ({"l1_gt_usm": False, "percep_gt_usm": False, "gan_gt_usm": True}, (True, False, False, True)),
        ({"lq_from_usm": False}, (False, True, True, False)),
    ],
)
def test_sharpening_switches(keys, expected):
    usm = parse_options({**TESTING, **keys}).usm()
    assert (usm.lq, usm.pixel, usm.perceptual, usm.adversarial) == expected


def test_paired_data_take_the_crop_of_the_data_set():
    options = load_options(PAIRS, overrides=["datasets.train.gt_size=128"]).options
    assert (options.is_paired, options.crop_gt_size, options.gt_size) == (True, 128, 256)
    assert load_options(GAN, overrides=["datasets.train.gt_size=128"]).options.crop_gt_size == 256


def test_test_files_need_no_train_section():
    data = {"dataroot_gt": "a", "dataroot_lq": "b", "type": "PairedImageDataset"}
    options = parse_options({**TESTING, "datasets": {"test_1": data, "val": data, "test": None}})
    assert list(options.datasets.test_sets()) == ["test_1"]
    assert list(options.datasets.validation_sets()) == ["val"]
    with pytest.raises(OptionsError, match="^t: train: this section is required to train"):
        require_train(options)


def test_the_compact_generator_has_its_scale_under_upscale():
    spec = {"type": "SRVGGNetCompact", "num_conv": 32, "upscale": 4}
    assert parse_options({**TESTING, "network_g": spec}).network_g == CompactSpec(num_conv=32)


def test_null_means_not_given():
    options = parse_options(
        {**TESTING, "val": None, "logger": None, "manual_seed": None, "path": {"resume_state": None}}
    )
    assert (options.val, options.logger.print_freq, options.manual_seed) == (None, 100, 0)


def test_home_is_expanded_and_other_paths_stay_relative():
    options = load_options(
        GAN, overrides=["datasets.train.dataroot_gt=~/photos", "path.resume_state=a/1.state"]
    ).options
    assert options.datasets.train.dataroot_gt == Path.home() / "photos"
    assert options.path.resume_state == Path("a/1.state")


@pytest.mark.parametrize(
    ("kind", "higher"), [("calculate_psnr", True), ("calculate_ssim", True), ("calculate_niqe", False)]
)
def test_metrics_know_which_way_is_better(kind, higher):
    options = parse_options(
        {**TESTING, "val": {"metrics": {"m": {"type": kind}, "n": {"type": kind, "better": "lower"}}}}
    )
    assert options.val.metrics["m"].higher_is_better is higher
    assert options.val.metrics["n"].higher_is_better is False


def test_options_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        parse_options(TESTING).scale = 2


# ---- messages about one key ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.optim_g.lr=fast", "train.optim_g.lr: expected a number > 0, got 'fast'"),
        ("train.optim_g.lr=0", "train.optim_g.lr: expected a number > 0, got 0"),
        ("train.optim_g.lr=.nan", "train.optim_g.lr: expected a number > 0, got nan"),
        ("train.optim_g.lr=true", "train.optim_g.lr: expected a number > 0, got true"),
        ("train.total_iter=1.5", "train.total_iter: expected a whole number >= 1, got 1.5"),
        ("train.total_iter=", "train.total_iter: this key is required; expected a whole number >= 1"),
        ("train.optim_g.betas=[0.9]", "train.optim_g.betas: expected a list of 2 values, each a number >= 0 and < 1, got [0.9]"),
        ("train.optim_g.betas=[0.9, 1]", "train.optim_g.betas[1]: expected a number >= 0 and < 1, got 1"),
        ("train.optim_g.type=adam", "train.optim_g.type: expected one of Adam, AdamW, got 'adam'; did you mean Adam?"),
        ("train.optim_G.lr=1", "train.optim_G: unknown key; did you mean train.optim_g?"),
        ("train.lr=1", "train.lr: unknown key; did you mean train.optim_g.lr?"),
        ("batch_size=1", "batch_size: unknown key; did you mean datasets.train.batch_size_per_gpu?"),
        ("train.optim_g.xyzzy=1", "train.optim_g.xyzzy: unknown key; expected one of type, lr, weight_decay, betas"),
        ("datasets.vall.type=x", "datasets.vall: unknown key; did you mean datasets.val?"),
        ("datasets.validation.type=x", "datasets.validation: unknown key; expected one of train, val, test"),
        ("network_g.num_feats=3", "network_g.num_feats: unknown key; did you mean network_g.num_feat?"),
        ("network_g.num_feat=true", "network_g.num_feat: expected a whole number, got true"),
        ("network_g.type=RRDBnet", "network_g.type: expected one of RRDBNet, SRVGGNetCompact, got 'RRDBnet'; did you mean RRDBNet?"),
        ("network_g.type=", "network_g.type: this key is required; expected one of RRDBNet, SRVGGNetCompact"),
        ("network_d.type=Patch", "network_d.type: expected UNetDiscriminatorSN, got 'Patch'"),
        ("scale=3", "scale: expected one of 1, 2, 4, got 3"),
        ("num_gpu=all", "num_gpu: expected a whole number >= 0 or auto, got 'all'"),
        ("device=gpu", "device: expected a text, got 'gpu'"),
        ("precision=half", "precision: expected one of auto, fp32, bf16, fp16, got 'half'"),
        ("name=a/b", "name: expected a name that a folder can have, got 'a/b'"),
        ("name=..", "name: expected a name that a folder can have, got '..'"),
        ("path.resume_state=None", "path.resume_state: expected a path, got 'None'; write ~ for none"),
        ("model_type=ESRGANModel", "model_type: 'ESRGANModel' is not offered: its relativistic loss is missing here; "
         "RealESRGANModel is the nearest"),
        ("train.gan_opt.gan_type=wgan", "train.gan_opt.gan_type: 'wgan' is not offered: choose vanilla, lsgan or hinge"),
        ("train.perceptual_opt.style_weight=1", "train.perceptual_opt.style_weight: expected 0, got 1: the style loss is "
         "not offered"),
        ("datasets.train.io_backend.type=lmdb", "datasets.train.io_backend.type: 'lmdb' is not offered: unpack the images "
         "into a folder and write type: disk"),
        ("datasets.train.blur_kernel_size=8", "datasets.train.blur_kernel_size: expected one of 7, 9, 11, 13, 15, 17, 19, 21, "
         "got 8"),
        ("train=3", "train: expected a mapping, got 3"),
        ("train.trainable.network_g=[]", "train.trainable.network_g: expected a list, each item a text, got []"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_what_was_expected(override, message):
    assert message in with_override(override)


def test_a_switch_in_place_of_a_text_is_explained(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("name: no\nnetwork_g: {type: RRDBNet}\n")
    assert problems(path) == ["line 1: name: expected a text, got false; put it in quotes to mean the text"]


# ---- rules between keys ----------------------------------------------------------------------------------------------


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
        (["datasets.train.dataroot_gt="], "datasets.train.dataroot_gt: this key is required (or manifest); expected the folder "
         "of the images"),
        (["datasets.val.type=PairedImageDataset", "datasets.val.dataroot_gt=x"], "datasets.val.dataroot_lq: this key is "
         "required by type PairedImageDataset; expected the folder of the low-quality images"),
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
         "required without perceptual_opt and gan_opt"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_said_once_and_alone(overrides, message):
    assert with_override(*overrides) == [message]


def test_pairs_have_rules_of_their_own():
    assert "line 11: high_order_degradation" not in problems(PAIRS, "queue_size=181", "datasets.train.dataroot_lq=")[0]
    texts = problems(PAIRS, "high_order_degradation=true", "gt_size=64")
    assert "high_order_degradation: expected false, because type RealESRGANPairedDataset brings its own LQ" in texts[1]
    assert "datasets.train.gt_size: expected the `gt_size` at the top (64), got 256; give it once" in texts[0]


def test_rrdbnet_of_scale_2_folds_pixels():
    (text,) = problems(NET, "gt_size=258")
    assert text.endswith("gt_size: expected a multiple of 4 (RRDBNet of scale 2 folds pixels into channels), got 258")


def test_a_frozen_discriminator_needs_no_optimiser():
    loaded = load_options(GAN, overrides=["train.optim_d=", "train.trainable.network_d=none"])
    assert loaded.options.train.trainable.network_d == ("none",)


# ---- all together ----------------------------------------------------------------------------------------------------

BROKEN = """\
name: no
scale: 4
queue_siz: 3
queue_size: 181
jpeg_range: [95, 30]
datasets:
  train:
    type: RealESRGANDataset
    batch_size_per_gpu: 0010
    dataroot_gt: x
  vall: {}
network_g: {type: RRDBNet, num_feat: 64.5}
network_d: {type: UNetDiscriminatorSN, foo: 1}
train:
  optim_g: {lr: fast}
  total_iter: 1e4
"""


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "broken.yml"
    path.write_text(BROKEN)
    assert problems(path, "train.ema_decay=2", "nonsense") == [
        "line 1: name: expected a text, got false; put it in quotes to mean the text",
        "line 3: queue_siz: unknown key; did you mean queue_size?",
        "line 4: queue_size: expected a multiple of datasets.train.batch_size_per_gpu (10), got 181; 180 would do",
        "line 5: jpeg_range: expected [low, high], got [95, 30]",
        "line 11: datasets.vall: unknown key; did you mean datasets.val?",
        "line 12: network_g.num_feat: expected a whole number, got 64.5",
        "line 13: network_d.foo: unknown key; expected one of type, num_in_ch, num_feat, skip_connection",
        "line 14: train.pixel_opt: this key is required without perceptual_opt and gan_opt",
        "line 15: train.optim_g.lr: expected a number > 0, got 'fast'",
        "--set nonsense: expected key.path=value, such as train.total_iter=10",
        "--set train.ema_decay=2: train.ema_decay: expected a number >= 0 and < 1, got 2",
    ]


def test_the_text_of_the_error_has_all_problems(tmp_path):
    path = tmp_path / "broken.yml"
    path.write_text("name: x\nfoo: 1\n")
    with pytest.raises(OptionsError) as caught:
        load_options(path)
    assert str(caught.value).splitlines() == [
        f"{path} has 2 problems:",
        "  line 2: foo: unknown key",
        "  network_g: this key is required; expected a mapping",
    ]


def test_a_wrong_file_is_one_sentence(tmp_path):
    with pytest.raises(OptionsError, match=r"^\S*x\.yml: no such file$"):
        load_options(tmp_path / "x.yml")
    path = tmp_path / "two.yml"
    path.write_text("a: 1\nb: !!python/name:os.system ''\n")
    with pytest.raises(OptionsError, match=r"^\S*two\.yml: line 2: the tag !!python/name:os\.system is not allowed"):
        load_options(path)


# ---- notes -----------------------------------------------------------------------------------------------------------


def test_upstream_files_for_one_gpu_are_read_without_a_word():
    assert load_options(GAN).notes == ()


@pytest.mark.parametrize(
    ("override", "note"),
    [
        ("train.optim_g.lr=1e-4", "train.optim_g.lr: '1e-4' was read as the number 0.0001"),
        ("train.total_iter=1e6", "train.total_iter: '1e6' was read as the number 1000000"),
        ("train.total_iter=00400000", "train.total_iter: '00400000' was read as the number 400000"),
        ("network_g.num_feat='48'", "network_g.num_feat: '48' was read as the number 48"),
        ("jpeg_range=[3e1, 95]", "jpeg_range[0]: '3e1' was read as the number 30.0"),
        ("datasets.train.use_rot=1", "datasets.train.use_rot: 1 was read as true"),
        ("datasets.train.blur_kernel_size2=13", "datasets.train.blur_kernel_size2 has no effect: kernels are 21 wide"),
        ("datasets.train.use_shuffle=false", "datasets.train.use_shuffle has no effect"),
        ("datasets.train.dataset_enlarge_ratio=5", "datasets.train.dataset_enlarge_ratio has no effect"),
        ("datasets.train.prefetch_mode=cuda", "datasets.train.prefetch_mode and num_prefetch_queue have no effect"),
        ("datasets.train.gt_size=128", "datasets.train.gt_size has no effect: `gt_size` at the top (256) is the crop"),
        ("num_gpu=4", "num_gpu: 4 has no effect: one process trains on one device, so a batch has 12 images"),
        ("val.val_freq=5", "val has no effect: there is no datasets.val"),
        ("logger.wandb.project=mine", "logger.wandb has no effect"),
        ("train.trainable.network_d=none", "train.optim_d has no effect: no discriminator is trained"),
        ("train.total_iter=10", "train.scheduler.milestones: those after total_iter (10) are never reached"),
    ],
)
def test_what_is_accepted_otherwise_is_said(override, note):
    notes = load_options(GAN, overrides=[override]).notes
    assert any(text.startswith(note) for text in notes), notes


def test_notes_about_parts_that_are_missing():
    overrides = ["network_d=", "train.gan_opt=", "datasets.val.type=SyntheticPairs", "datasets.val.dataroot_gt=x"]
    assert load_options(GAN, overrides=overrides).notes == (
        "train.optim_d has no effect: no discriminator is trained",
        "datasets.val has no effect: there is no `val` section that says how often",
        "path.pretrain_network_d has no effect: there is no network_d",
    )
    notes = load_options(PAIRS, overrides=["gt_usm=true"]).notes
    assert notes == ("gt_usm has no effect: it does not apply to pairs, as upstream",)


# ---- overrides -------------------------------------------------------------------------------------------------------


def test_overrides_are_typed_and_make_sections():
    overrides = [
        "train.total_iter=10",
        "train:optim_g:lr=2e-4",
        "network_d=null",
        "train.gan_opt=~",
        "name=0012",
        "train.trainable.network_g=[last:2, body.2[0-2].*]",
        "val.metrics.psnr.type=calculate_psnr",
        "datasets.val_2={type: SyntheticPairs, dataroot_gt: 'a=b'}",
    ]
    options = load_options(
        GAN, overrides=overrides[:5] + ["train.trainable.network_g=[last:2, 'body.2[0-2].*']"] + overrides[6:]
    )
    options = options.options
    assert (options.train.total_iter, options.train.optim_g.lr, options.name) == (10, 2e-4, "0012")
    assert (options.network_d, options.train.gan_opt) == (None, None)
    assert options.train.trainable.network_g == ("last:2", "body.2[0-2].*")
    assert options.val.metrics["psnr"].type == "calculate_psnr"
    assert options.datasets.validation_sets()["val_2"].dataroot_gt == Path("a=b")


def test_a_single_name_or_glob_needs_no_list():
    options = load_options(GAN, overrides=["train.trainable.network_g=body.2[0-2].*"]).options
    assert options.train.trainable.network_g == ("body.2[0-2].*",)


def test_a_later_override_wins():
    assert load_options(GAN, overrides=["train.total_iter=10", "train.total_iter=20"]).options.train.total_iter == 20


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.total_iter", "--set train.total_iter: expected key.path=value, such as train.total_iter=10"),
        ("=3", "--set =3: expected key.path=value"),
        ("train..x=3", "--set train..x=3: expected key.path=value"),
        ("train.total_iter.x=3", "--set train.total_iter.x=3: train.total_iter.x: train.total_iter holds a value"),
        ("train.total_iter=[1", "train.total_iter: expected a YAML value, got '[1', which is not YAML"),
        ("train.total_iter=!!python/name:os.system", "which the tag !!python/name:os.system is not allowed"),
        ("train.total_iter=__import__('os')", "expected a whole number >= 1, got \"__import__('os')\""),
        ("trian.total_iter=3", "--set trian.total_iter=3: trian: unknown key; did you mean train?"),
    ],
)
def test_wrong_overrides_are_explained(override, message):
    assert any(message in text for text in problems(GAN, override)), problems(GAN, override)


def test_overrides_leave_the_file_alone():
    before = GAN.read_bytes()
    load_options(GAN, overrides=["train.total_iter=10"])
    assert GAN.read_bytes() == before


# ---- BasicSR's dictionaries, the schema, imports ---------------------------------------------------------------------


def test_what_basicsr_adds_when_it_runs_is_dropped():
    added = changed(GAN, is_train=True, dist=False, rank=0, world_size=1, auto_resume=False, root_path="/x")
    added["path"].update(experiments_root="/x/e", models="m", training_states="t", log="l", visualization="v")
    added["datasets"]["train"].update(phase="train", scale=4)
    kept = strip_runtime_keys(added)
    assert parse_options(kept) == load_options(GAN).options
    assert added["datasets"]["train"]["phase"] == "train"


def test_parse_names_its_source():
    with pytest.raises(OptionsError, match="^BasicSR's options: foo: unknown key"):
        parse_options({**TESTING, "foo": 1}, source="BasicSR's options")


def _key_paths(node):
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from _key_paths(value)


def test_the_schema_is_json_and_has_every_key_of_every_upstream_file():
    text = json.dumps(json_schema())
    schema = json.loads(text)
    assert schema["$schema"].startswith("https://json-schema.org/")
    known = set(schema["properties"])
    for part in schema["$defs"].values():
        known |= set(part.get("properties", {}))
    free = {"val", "psnr", "conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_4"}
    for path in UPSTREAM:
        assert set(_key_paths(yaml.safe_load(path.read_text()))) <= known | free


def test_the_schema_has_every_field_of_the_options():
    assert set(json_schema()["properties"]) == set(Options.model_fields)
    assert json_schema()["$defs"]["OptimizerOptions"]["additionalProperties"] is False
    assert json_schema()["properties"]["queue_size"]["minimum"] == 0


def test_reading_options_does_not_import_torch():
    code = "import sys, realesrgan_arch.commands.options; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "lr", "val", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_SECTIONS = st.sampled_from([*Options.model_fields, "unknown"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_SECTIONS, _VALUES, max_size=4), st.booleans())
def test_no_mapping_raises_anything_but_an_options_error(extra, keep):
    base = changed(GAN) if keep else {}
    try:
        parse_options({**base, **extra})
    except OptionsError as error:
        assert error.problems
