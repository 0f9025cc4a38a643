"""Every option file that is shipped loads, and trains or scores at reduced size."""

from itertools import takewhile
from pathlib import Path

import pytest
import torch

from realesrgan_arch import dry_run
from realesrgan_arch.basicsr_bridge import from_basicsr, to_basicsr
from realesrgan_arch.comparison import compare
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.distilled_vgg19 import NETWORK_FILE, DistilledVgg19
from realesrgan_arch.networks.vgg19 import LAYER_NAMES, VGG19Features
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.losses import VGG19_LAYERS
from realesrgan_arch.options.types import Options
from realesrgan_arch.session import train
from realesrgan_arch.training.run_folder import RunFolder
from tests.tiny_run import write_pictures

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "options"
THRESHOLDS_OF_THE_AUDIT = "audit"
FILES = sorted(path for path in FOLDER.glob("*.yml") if path.stem != THRESHOLDS_OF_THE_AUDIT)
TRAINING = [path for path in FILES if not path.stem.startswith("test_")]
TESTING = [path for path in FILES if path.stem.startswith("test_")]
SHIPPED_WEIGHTS = {"smoke_cpu"}
"""Names of files whose weights are in this repository."""
OLDER = {"train_demo_base", "test_architecture"}
"""Whose headers say other things."""
SMALL = {
    "RRDBNet": ["network_g.num_feat=8", "network_g.num_block=3", "network_g.num_grow_ch=4"],
    "SRVGGNetCompact": ["network_g.num_feat=8", "network_g.num_conv=2"],
    "SRResNet": ["network_g.num_feat=8", "network_g.num_block=1"],
    "UNetDiscriminatorSN": ["network_d.num_feat=4"],
    "PatchDiscriminatorSN": ["network_d.num_feat=4"],
    "SRGANDiscriminator": ["network_d.num_feat=4", "network_d.input_size=32"],
    "VGGStyleDiscriminator": ["network_d.num_feat=4", "network_d.input_size=128"],
}
AFTER_THE_BEST = {
    "train_srgan_x4": "train_srresnet_x4",
    "train_esrgan_x4": "train_rrdb_psnr_x4",
    "train_realesrgan_x4plus": "train_realesrnet_x4plus",
}
AFTER_THE_LAST = {
    "finetune_x4plus_architecture_stage2": "probe_conv_last",
    "finetune_x4plus_architecture_stage3": "finetune_x4plus_architecture_stage2",
}
"""Stages of one protocol: the best weights by PSNR of a GAN stage are about its first, and most steps would be lost."""
SHARPENED = (
    "train_realesrgan_x4plus", "train_realesrnet_x4plus", "probe_conv_last", "probe_body2_rdb3_conv5",
    "finetune_x4plus_architecture_stage2", "finetune_x4plus_architecture_stage3",
)  # fmt: skip
"""What Real-ESRGAN's authors and this project's ancestor did."""
SECOND_STAGES = AFTER_THE_BEST | AFTER_THE_LAST


def _options(name: str) -> Options:
    return load_options(FOLDER / f"{name}.yml").options


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_option_file_loads_without_a_note_but_that_its_authors_sharpen(path) -> None:
    loaded = load_options(path)
    assert [note.split(",")[0] for note in loaded.notes] == (
        ["the LQ images and L1 take the sharpened ground truth"] if path.stem in SHARPENED else []
    )
    assert loaded.options.name == path.stem


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_every_shipped_training_file_sharpens_lq_and_targets_alike_or_not_at_all(path) -> None:
    usm = load_options(path).options.usm()
    assert {usm.lq, usm.pixel, usm.perceptual} == {path.stem in SHARPENED}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_option_file_begins_by_saying_how_it_is_run_and_what_it_needs(path) -> None:
    header = "".join(takewhile(lambda line: line.startswith("#"), path.read_text().splitlines(keepends=True)))
    assert f"options/{path.name}" in header or "as there" in header
    parts = ("what", "needs", "expect") if path in TRAINING else ("before", "writes")
    assert path.stem in OLDER or all(f"#   {part} " in header for part in parts)


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_every_shipped_training_file_keeps_the_rules_in_a_dry_run_with_its_adversary_from_the_start(path, tmp_path):
    small = dry_run._in_small(load_options(path).options, tmp_path)
    options = from_basicsr(to_basicsr(small, run_folder=RunFolder(tmp_path)))
    assert options.train is not None
    assert options.train.total_iter == dry_run.STEPS
    game = options.train.gan_opt
    assert game is None or (game.start_iter, game.ramp_iter, options.train.net_d_init_iters) == (0, 0, 0)


@pytest.mark.parametrize(("second", "first"), SECOND_STAGES.items(), ids=SECOND_STAGES)
def test_a_second_stage_starts_from_a_first_one_of_the_same_network(second, first) -> None:
    which = "best_psnr" if second in AFTER_THE_BEST else "latest"
    assert _options(second).path.pretrain_network_g == f"experiments/{first}/models/net_g_{which}.pth"
    assert _options(second).network_g == _options(first).network_g
    assert _options(second).scale == _options(first).scale


def test_the_schedules_are_those_of_the_papers() -> None:
    stages = {name: _options(name) for name in [*SECOND_STAGES, *SECOND_STAGES.values()]}
    trains = {name: options.train for name, options in stages.items() if options.train is not None}
    told = {
        name: (train.total_iter, train.optim_g.lr, stages[name].crop_gt_size, _batch(stages[name]))
        for name, train in trains.items()
    }
    assert told == {
        "train_srresnet_x4": (1_000_000, 1e-4, 96, 16),
        "train_srgan_x4": (200_000, 1e-4, 96, 16),
        "train_rrdb_psnr_x4": (1_000_000, 2e-4, 128, 16),
        "train_esrgan_x4": (400_000, 1e-4, 128, 16),
        "train_realesrnet_x4plus": (1_000_000, 2e-4, 256, 12),
        "train_realesrgan_x4plus": (400_000, 1e-4, 256, 12),
        "probe_conv_last": (4_500, 1e-4, 256, 12),
        "finetune_x4plus_architecture_stage2": (4_500, 1e-4, 256, 12),
        "finetune_x4plus_architecture_stage3": (15_000, 1e-5, 256, 12),
    }


def test_srgan_and_esrgan_weigh_their_losses_as_the_papers_do() -> None:
    srgan, esrgan = _options("train_srgan_x4").train, _options("train_esrgan_x4").train
    assert srgan is not None and srgan.perceptual_opt is not None and srgan.gan_opt is not None
    assert esrgan is not None and esrgan.perceptual_opt is not None and esrgan.gan_opt is not None
    assert esrgan.pixel_opt is not None
    assert (srgan.pixel_opt, srgan.gan_opt.loss_weight) == (None, 0.001)
    assert (srgan.perceptual_opt.layer_weights, srgan.perceptual_opt.criterion) == ({"relu5_4": 1}, "l2")
    assert srgan.perceptual_opt.feature_scale == pytest.approx(1 / 12.75, abs=5e-5)
    faces = _options("train_srgan_celeba_x4").train
    assert faces is not None and faces.perceptual_opt == srgan.perceptual_opt
    assert (esrgan.pixel_opt.loss_weight, esrgan.gan_opt.loss_weight) == (0.01, 0.005)
    assert (esrgan.perceptual_opt.layer_weights, esrgan.perceptual_opt.criterion) == ({"conv5_4": 1}, "l1")


def test_faces_come_as_inputs_of_64_pixels_in_batches_of_16() -> None:
    options = _options("train_srgan_celeba_x4")
    assert options.datasets.train is not None
    assert (options.crop_gt_size // options.scale, _batch(options)) == (64, 16)
    assert options.datasets.train.degradation == "blur_bicubic"


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_plain_training_is_validated_on_pictures_that_are_made_in_the_same_way(path) -> None:
    datasets = load_options(path).options.datasets
    assert datasets.train is not None
    synthetic = [data for data in datasets.validation_sets().values() if data.type == "SyntheticPairs"]
    if datasets.train.is_plain:
        assert {data.degradation for data in synthetic} <= {datasets.train.degradation}


def test_the_candidates_of_the_study_differ_in_their_layer_only() -> None:
    first, second = _options("probe_conv_last"), _options("probe_body2_rdb3_conv5")
    assert first.train is not None and second.train is not None
    assert first.train.trainable.network_g == ("conv_last",)
    assert second.train.trainable.network_g == ("body.2.rdb3.conv5",)
    as_first = second.train.model_copy(update={"trainable": first.train.trainable})
    assert second.model_copy(update={"name": first.name, "train": as_first}) == first


def _batch(options: Options) -> int:
    return options.datasets.train.batch_size_per_gpu if options.datasets.train else 0


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Pictures `gt`, `lq` a quarter of their sides, and random weights of VGG19 and of the distilled one."""
    folder = tmp_path_factory.mktemp("data")
    write_pictures(folder / "gt", scenes=1, size=(96, 64))
    write_pictures(folder / "lq", scenes=1, size=(24, 16))
    torch.manual_seed(0)
    torch.save(VGG19Features(["conv1_1"]).state_dict(), folder / "vgg19.pth")
    torch.save(DistilledVgg19().state_dict(), folder / NETWORK_FILE)
    return folder


def _drawn_base(path: Path, root: Path) -> Path:
    """Write weights of the small network for a recipe that keeps near those that it starts from."""
    network = load_options(path, overrides=SMALL[load_options(path).options.network_g.type]).options.network_g
    torch.save({"params": build_generator(network).state_dict()}, root / "base.pth")
    return root / "base.pth"


def _reduced(path: Path, data: Path, root: Path) -> list[str]:
    """Return overrides for two steps of a small network, as a user would write them after --set."""
    options = load_options(path).options
    train_data, losses = options.datasets.train, options.train
    assert train_data is not None and losses is not None
    side = 128 if getattr(options.network_d, "type", "") == "VGGStyleDiscriminator" else 32
    ours = path.stem in SHIPPED_WEIGHTS
    networks = [options.network_d] if ours else [options.network_g, options.network_d]
    weights = f"={ROOT / options.path.pretrain_network_g}" if ours and options.path.pretrain_network_g else "=null"
    if losses.base_opt is not None:
        weights = f"={_drawn_base(path, root)}"
    overrides = [
        f"path.experiments_root={root}",
        f"path.pretrain_network_g{weights}",
        "path.pretrain_network_d=null",
        f"datasets.train.dataroot_gt={data / 'gt'}",
        "datasets.train.manifest=null",
        "datasets.train.num_worker_per_gpu=0",
        "datasets.train.batch_size_per_gpu=2",
        "num_gpu=0",
        "precision=fp32",
        "logger.use_tb_logger=false",
        "train.total_iter=2",
        *(override for network in networks if network for override in SMALL[network.type]),
    ]
    if train_data.is_paired:
        overrides += [f"datasets.train.dataroot_lq={data / 'lq'}", f"datasets.train.gt_size={side}"]
    else:
        overrides += [f"gt_size={side}", f"queue_size={min(options.queue_size, 4)}", f"datasets.train.crop_size={side}"]
    if losses.perceptual_opt is not None:
        overrides += [
            f"train.perceptual_opt.weights={data / 'vgg19.pth'}",
            "train.perceptual_opt.layer_weights={conv1_1: 1}",
        ]
    if losses.feature_opt is not None:
        overrides += [f"train.feature_opt.weights={data}"]
    if losses.gan_opt is not None:
        overrides += ["train.gan_opt.start_iter=0", "train.gan_opt.ramp_iter=0", "train.net_d_init_iters=0"]
    for key, section in options.datasets.validation_sets().items():
        overrides += [f"datasets.{key}.dataroot_gt={data / 'gt'}", f"datasets.{key}.manifest=null"]
        overrides += [f"datasets.{key}.max_images=1", f"datasets.{key}.max_size=64"]
        overrides += [f"datasets.{key}.dataroot_lq={data / 'lq'}"] if section.is_paired else []
    return overrides


@pytest.mark.slow
@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_every_recipe_trains_two_steps_at_reduced_size(path, data, tmp_path) -> None:
    options = load_options(path, overrides=_reduced(path, data, tmp_path)).options
    outcome = train(options)
    saved = torch.load(outcome.weights, weights_only=True)["params"]
    assert all(bool(weight.isfinite().all()) for weight in saved.values())
    log = outcome.run_folder.metrics.read_text()
    assert options.train is not None
    adversary = options.train.gan_opt
    wanted = {"l_g_pix": options.train.pixel_opt, "l_g_percep": options.train.perceptual_opt}
    wanted |= dict.fromkeys(("l_g_gan", "l_d_real", "l_d_fake"), adversary)
    assert all((f'"{name}"' in log) == (loss is not None) for name, loss in wanted.items())
    assert (outcome.run_folder.models / "net_d_latest.pth").exists() == (options.network_d is not None)
    assert "extends" not in (outcome.run_folder.root / "options.yml").read_text()


@pytest.mark.parametrize("path", TESTING, ids=lambda path: path.stem)
def test_every_test_file_scores_a_model_beside_bicubic(path, data, tmp_path) -> None:
    overrides = [
        f"path.pretrain_network_g={ROOT / 'realesrgan_arch/data/demo_base.safetensors'}",
        "path.base_network_g=null",
        f"datasets.test.dataroot_gt={data / 'gt'}",
        "datasets.test.manifest=null",
        "datasets.test.max_images=1",
        "num_gpu=0",
    ]
    is_paired = load_options(path).options.datasets.test_sets()["test"].is_paired
    overrides += [f"datasets.test.dataroot_lq={data / 'lq'}", "datasets.test.filename_tmpl=null"] if is_paired else []
    comparison = compare(load_options(path, overrides=overrides).options, folder=tmp_path)[0]
    assert {score.method for score in comparison.scores} >= {"bicubic", "model"}


@pytest.mark.slow
def test_the_x4plus_recipe_trains_its_last_layer_against_a_discriminator_with_vgg19(data, tmp_path) -> None:
    """The whole perceptual loss, at reduced width and with random VGG19 weights."""
    torch.manual_seed(0)
    torch.save(VGG19Features(["conv5_4"]).state_dict(), tmp_path / "vgg19.pth")
    path = FOLDER / "finetune_x4plus_architecture.yml"
    layers = "{conv1_2: 0.1, conv2_2: 0.1, conv3_4: 1, conv4_4: 1, conv5_4: 1}"
    overrides = [
        *_reduced(path, data, tmp_path),
        f"train.perceptual_opt.weights={tmp_path / 'vgg19.pth'}",
        f"train.perceptual_opt.layer_weights={layers}",
        "network_g.checkpointing=true",
    ]
    outcome = train(load_options(path, overrides=overrides).options)
    log = outcome.run_folder.metrics.read_text()
    assert all(f'"{name}"' in log for name in ("l_g_pix", "l_g_percep", "l_g_gan", "l_d_real", "l_d_fake"))
    saved = torch.load(outcome.weights, weights_only=True)
    moved = [name for name in saved["params"] if not torch.equal(saved["params"][name], saved["params_ema"][name])]
    assert moved == ["conv_last.weight", "conv_last.bias"]


def test_the_options_know_the_layers_that_vgg19_has() -> None:
    """They are written twice, as the options do without torch."""
    assert set(LAYER_NAMES) == set(VGG19_LAYERS)
