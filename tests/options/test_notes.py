import pytest

from realesrgan_arch.options.load import (
    load_options,
)
from tests.options.files import GAN, NET, PAIRS

BICUBIC, BLURRED = (f"datasets.train.degradation={kind}" for kind in ("bicubic", "blur_bicubic"))


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
        ("logger={tracker: trackio, wandb: {project: mine}}", "logger.wandb has no effect: logger.tracker is trackio"),
        ("train.trainable.network_d=none", "train.optim_d has no effect: no discriminator is trained"),
        ("datasets.train.persistent_workers=true", "datasets.train.persistent_workers has no effect"),
        ("val.suffix=x", "val.suffix has no effect"),
        ("val.pbar=false", "val.pbar has no effect"),
        ("datasets.val={type: PairedImageDataset, dataroot_gt: x, dataroot_lq: y, degradation: full}",
         "datasets.val.degradation has no effect"),
        ("train.total_iter=10", "train.scheduler.milestones: those after total_iter (10) are never reached"),
    ],
)  # fmt: skip
def test_what_is_accepted_otherwise_is_said(override, note):
    notes = load_options(GAN, overrides=[override]).notes
    assert any(text.startswith(note) for text in notes), notes


def test_the_sigma_of_the_blur_has_an_effect_where_only_validation_blurs():
    section = "datasets.val={type: SyntheticPairs, dataroot_gt: x, degradation: blur_bicubic}"
    overrides = ["datasets.train.degradation=bicubic", "datasets.train.blur_sigma=[1, 2]", section]
    assert not [note for note in load_options(GAN, overrides=overrides).notes if "blur_sigma," in note]
    assert any("blur_sigma," in note for note in load_options(GAN, overrides=overrides[:2]).notes)


def test_the_max_size_of_pairs_has_an_effect_and_no_note():
    section = "datasets.val={type: PairedImageDataset, dataroot_gt: x, dataroot_lq: y, max_size: 9}"
    assert not [note for note in load_options(GAN, overrides=[section]).notes if "max_size" in note]


def test_notes_about_parts_that_are_missing():
    overrides = ["network_d=", "train.gan_opt=", "datasets.val.type=SyntheticPairs", "datasets.val.dataroot_gt=x"]
    assert load_options(GAN, overrides=overrides).notes == (
        "train.optim_d has no effect: no discriminator is trained",
        "datasets.val has no effect: there is no `val` section that says how often",
        "path.pretrain_network_d has no effect: there is no network_d",
    )
    notes = load_options(PAIRS, overrides=["gt_usm=true"]).notes
    assert notes[0] == "gt_usm has no effect: it does not apply to pairs, as upstream"


@pytest.mark.parametrize(
    ("overrides", "keys"),
    [
        (["percep_gt_usm=false"], ["percep_gt_usm"]),
        (["model_type=SRModel", "gan_gt_usm=true"], ["gt_usm", "gan_gt_usm"]),
    ],
)
def test_sharpening_switches_that_the_model_of_upstream_lacks_are_said(overrides, keys):
    notes = load_options(NET, overrides=overrides).notes
    assert [note.split(" has no effect")[0] for note in notes if "_usm" in note] == keys


def test_a_frozen_set_leaves_nothing_to_choose():
    overrides = [
        "datasets.val={type: FrozenPairs, dataroot_gt: frozen/x/val, max_images: 3, degradation: full, "
        "meta_info_file: x, allow_changed: true, io_backend: {type: disk}}"
    ]
    notes = load_options(GAN, overrides=overrides).notes
    for key in ("max_images", "degradation", "meta_info_file", "allow_changed", "io_backend"):
        assert f"datasets.val.{key} has no effect: a frozen set is scored whole and as it is" in notes


def test_bicubic_training_listens_to_no_key_of_the_two_passes():
    (pool, passes) = load_options(GAN, overrides=[BICUBIC]).notes
    assert pool == "queue_size has no effect: datasets.train.degradation is bicubic, and such pairs need no pool"
    keys, why = passes.split(": ")
    assert why == "no effect, as datasets.train.degradation is bicubic"
    for key in ("resize_prob", "jpeg_range2", "second_blur_prob", "datasets.train.kernel_list"):
        assert key in keys.split(", ")
    for key in ("datasets.train.blur_sigma", "datasets.train.final_sinc_prob", "datasets.train.betap_range2"):
        assert key in keys.split(", ")


def test_of_a_blur_before_bicubic_the_first_sigma_counts():
    (_, passes) = load_options(GAN, overrides=[BLURRED]).notes
    keys = passes.split(": ")[0].split(", ")
    assert "datasets.train.blur_sigma" not in keys and "datasets.train.blur_sigma2" in keys


def test_a_pool_of_none_needs_no_word():
    assert not [note for note in load_options(GAN, overrides=[BICUBIC, "queue_size=0"]).notes if "queue" in note]


def test_keys_of_the_two_passes_still_count_where_a_validation_set_is_degraded_by_them():
    section = "datasets.val={type: SyntheticPairs, dataroot_gt: x, degradation: full}"
    notes = load_options(GAN, overrides=[BICUBIC, section, "val={val_freq: 5, metrics: {}}"]).notes
    assert not [note for note in notes if "resize_prob" in note]
    assert [note for note in notes if "queue_size has no effect" in note]


def test_pairs_are_not_degraded_again():
    notes = load_options(PAIRS, overrides=[BICUBIC, "l1_gt_usm=false", "percep_gt_usm=false"]).notes
    assert notes == ("datasets.train.degradation has no effect: pairs bring their own LQ images",)
