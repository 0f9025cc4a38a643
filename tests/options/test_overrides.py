import argparse
from pathlib import Path

import pytest

from realesrgan_arch.options.load import (
    load_options,
)
from realesrgan_arch.options.overrides import add_overrides
from tests.options.files import GAN, problems


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


@pytest.mark.parametrize("flag", ["--set", "--force_yml"])
def test_changes_add_up_on_the_command_line_under_both_names(flag):
    parser = argparse.ArgumentParser()
    add_overrides(parser)
    assert parser.parse_args([]).overrides == []
    assert parser.parse_args([flag, "a=1", "b=2", flag, "c=3"]).overrides == ["a=1", "b=2", "c=3"]
