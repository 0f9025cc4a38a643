"""The option file is complete, has no key without effect, and holds any name of a folder."""

from pathlib import Path

import pytest

from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.guided.base import Base
from realesrgan_arch.guided.option_file import Places, Schedule, Trained, parse_option_text, render_options
from realesrgan_arch.guided.step_freeze import PRESET
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec
from realesrgan_arch.options.load import load_options

PLACES = Places(
    options=Path("out/mine/options.yml"),
    data=Path('my "photos": #1 – Köln'),
    manifest=Path("out/mine/split/train.csv"),
    val=Path("out/mine/frozen/val"),
    test=Path("out/mine/frozen/test"),
    experiments=Path("out/mine/experiments"),
)
SMALL = Base("realesr-general-x4v3", "0" * 64, CompactSpec(num_conv=32), None)
LARGE = Base("RealESRGAN_x2plus", "0" * 64, RRDBNetSpec(scale=2), "RealESRGAN_x2plus_netD")
SCHEDULE = Schedule(total_iter=4000, val_freq=500, ema_decay=0.999)


def _render(base: Base, trained: Trained) -> str:
    return render_options("mine", base, PLACES, trained, SCHEDULE, num_workers=2)


@pytest.mark.parametrize("base", [SMALL, LARGE], ids=["fidelity", "adversarial"])
def test_the_file_loads_without_a_note(tmp_path, base) -> None:
    path = tmp_path / "options.yml"
    path.write_text(_render(base, Trained(100, ("all",), 1, checkpointing=False)), encoding="utf-8")
    loaded = load_options(path)
    assert loaded.notes == ()
    assert loaded.options.datasets.train.dataroot_gt == PLACES.data
    assert loaded.options.network_g == base.spec
    assert loaded.options.degradation() == PRESETS[PRESET]
    assert loaded.options.train.total_iter == 4000
    assert loaded.options.val.val_freq == loaded.options.logger.save_checkpoint_freq == 500
    assert {*loaded.options.datasets.validation_sets()} == {"val"}
    assert {*loaded.options.datasets.test_sets()} == {"test"}


def test_a_base_with_a_discriminator_trains_against_it_with_what_the_plan_chose() -> None:
    options = parse_option_text(_render(LARGE, Trained(100, ("last:5", "bias"), 3, checkpointing=True)))
    assert options.scale == 2
    assert options.path.pretrain_network_d == "RealESRGAN_x2plus_netD"
    assert options.train.gan_opt is not None and options.train.perceptual_opt is not None
    assert options.train.trainable.network_g == ("last:5", "bias")
    assert options.train.accumulate == 3
    assert options.network_g.checkpointing


def test_a_base_without_one_trains_for_fidelity() -> None:
    options = parse_option_text(_render(SMALL, Trained(100, ("last:2",), 2, checkpointing=False)))
    assert options.network_d is None
    assert options.train.gan_opt is None
    assert not options.gt_usm


def test_the_file_says_how_to_run_it_and_what_its_keys_mean() -> None:
    text = _render(SMALL, Trained(100, ("all",), 1, checkpointing=False))
    assert "python realesrgan_arch/train.py -opt out/mine/options.yml" in text
    assert text.count("#") > 8


@pytest.mark.parametrize(("images", "batch", "queue"), [(1, 1, 64), (5, 5, 60), (8, 8, 64), (500, 8, 64)])
def test_a_batch_is_no_larger_than_the_training_set(images, batch, queue) -> None:
    options = parse_option_text(_render(SMALL, Trained(images, ("all",), 1, checkpointing=False)))
    assert (options.datasets.train.batch_size_per_gpu, options.queue_size) == (batch, queue)
