import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, UNetDiscriminatorSpec
from realesrgan_arch.options.load import (
    OptionsError,
    json_schema,
    load_options,
    parse_options,
    require_train,
    strip_runtime_keys,
)
from realesrgan_arch.options.types import Options
from tests.options.files import GAN, PAIRS, TESTING, UPSTREAM, problems


def changed(path, **extra):
    """Return an option file's mapping with other top-level values."""
    return {**yaml.safe_load(path.read_text()), **extra}


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
        ({"model_type": "SRModel"}, (False, False, False, False)),
        ({"model_type": "RealESRNetModel"}, (True, True, True, False)),
        ({"model_type": "RealESRNetModel", "gt_usm": True, "gan_gt_usm": True}, (True, True, True, False)),
        ({"model_type": "RealESRNetModel", "gt_usm": False}, (False, False, False, False)),
    ],
)
def test_sharpening_switches(keys, expected):
    usm = parse_options({**TESTING, **keys}).usm()
    assert (usm.lq, usm.pixel, usm.perceptual, usm.adversarial) == expected


@pytest.mark.parametrize(
    ("model", "sharpens"), [("RealESRNetModel", False), ("RealESRGANModel", True), ("FineTuneModel", True)]
)
def test_realesrnet_alone_never_sharpens_pairs(model, sharpens):
    options = load_options(PAIRS, overrides=[f"model_type={model}", "network_d=", "train.gan_opt="]).options
    usm = options.usm()
    assert (usm.pixel, usm.perceptual, usm.adversarial) == (sharpens, sharpens, False)


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


def test_which_way_is_better_is_accepted():
    options = parse_options({**TESTING, "val": {"metrics": {"n": {"type": "calculate_niqe", "better": "lower"}}}})
    assert options.val.metrics["n"].type == "calculate_niqe"


def test_options_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        parse_options(TESTING).scale = 2


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
        "line 14: train.pixel_opt: this key is required without perceptual_opt, lpips_opt, dists_opt, feature_opt and "
        "gan_opt",
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
    assert set(json_schema()["properties"]) == {"extends", *Options.model_fields}
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
