"""Every option file that is shipped loads, and trains at reduced size."""

from pathlib import Path

import pytest
import torch

from realesrgan_arch.networks.vgg19 import LAYER_NAMES, VGG19Features
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.losses import VGG19_LAYERS
from realesrgan_arch.session import train
from tests.tiny_run import write_pictures

THRESHOLDS_OF_THE_AUDIT = "audit"
FOUND = (Path(__file__).parents[1] / "options").glob("*.yml")
FILES = sorted(path for path in FOUND if path.stem != THRESHOLDS_OF_THE_AUDIT)
SMALL_RRDB = ["network_g.num_feat=8", "network_g.num_block=2", "network_g.num_grow_ch=4", "network_d.num_feat=4"]
SMALL_COMPACT = ["network_g.num_feat=8", "network_g.num_conv=2"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_option_file_loads_without_a_note(path) -> None:
    loaded = load_options(path)
    assert loaded.notes == ()
    assert loaded.options.name == path.stem


def _reduced(tmp_path: Path, *more: str) -> list[str]:
    write_pictures(tmp_path / "photos")
    return [
        f"path.experiments_root={tmp_path / 'experiments'}",
        "path.pretrain_network_g=null",
        f"datasets.train.dataroot_gt={tmp_path / 'photos'}",
        "datasets.train.manifest=null",
        "datasets.train.crop_size=48",
        "datasets.train.num_worker_per_gpu=0",
        "datasets.train.batch_size_per_gpu=2",
        "gt_size=32",
        "queue_size=4",
        "num_gpu=0",
        "train.total_iter=2",
        *more,
    ]


def _reduced_validation(tmp_path: Path) -> list[str]:
    return [
        f"datasets.val.dataroot_gt={tmp_path / 'photos'}",
        "datasets.val.manifest=null",
        "datasets.val.max_images=1",
        "datasets.val.max_size=64",
    ]


@pytest.mark.slow
def test_the_x4plus_recipe_trains_its_last_layer_against_a_discriminator_with_vgg19(tmp_path) -> None:
    """The whole recipe with its perceptual loss, at reduced width and with random VGG19 weights."""
    torch.manual_seed(0)
    torch.save(VGG19Features(["conv5_4"]).state_dict(), tmp_path / "vgg19.pth")
    overrides = _reduced(
        tmp_path,
        *SMALL_RRDB,
        *_reduced_validation(tmp_path),
        "path.pretrain_network_d=null",
        f"train.perceptual_opt.weights={tmp_path / 'vgg19.pth'}",
        "network_g.checkpointing=true",
    )
    path = next(path for path in FILES if path.stem == "finetune_x4plus_architecture")
    outcome = train(load_options(path, overrides=overrides).options)
    log = outcome.run_folder.metrics.read_text()
    assert all(f'"{name}"' in log for name in ("l_g_pix", "l_g_percep", "l_g_gan", "l_d_real", "l_d_fake"))
    saved = torch.load(outcome.weights, weights_only=True)
    moved = [name for name in saved["params"] if not torch.equal(saved["params"][name], saved["params_ema"][name])]
    assert moved == ["conv_last.weight", "conv_last.bias"]
    assert (outcome.run_folder.models / "net_d_latest.pth").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["finetune_x4v3_architecture", "train_demo_base"])
def test_the_compact_recipes_train(tmp_path, name: str) -> None:
    path = next(path for path in FILES if path.stem == name)
    validation = _reduced_validation(tmp_path) if name.startswith("finetune") else []
    outcome = train(load_options(path, overrides=_reduced(tmp_path, *SMALL_COMPACT, *validation)).options)
    assert outcome.weights.exists()


def test_the_options_know_the_layers_that_vgg19_has() -> None:
    """They are written twice, as the options do without torch."""
    assert set(LAYER_NAMES) == set(VGG19_LAYERS)
