"""`test.py`: base against tuned on unseen pictures, with files for people and for programs."""

import csv

import pytest
import torch

from realesrgan_arch.comparison import compare
from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.checkpoint import plain_state, save_weights
from tests.tiny_run import write_pictures


@pytest.fixture
def mapping(tmp_path) -> dict:
    write_pictures(tmp_path / "photos", size=(128, 120))
    torch.manual_seed(0)
    for name in ("base", "tuned"):
        network = build_generator(CompactSpec(num_feat=8, num_conv=2))
        save_weights(tmp_path / f"{name}.pth", params=plain_state(network))
    return {
        "name": "compare",
        "scale": 4,
        "num_gpu": 0,
        "datasets": {"test": {"name": "unseen", "type": "SyntheticPairs", "dataroot_gt": str(tmp_path / "photos")}},
        "network_g": {"type": "SRVGGNetCompact"},
        "path": {
            "base_network_g": str(tmp_path / "base.pth"),
            "pretrain_network_g": str(tmp_path / "tuned.pth"),
        },
        "val": {
            "save_img": True,
            "metrics": {
                "psnr": {"type": "calculate_psnr", "crop_border": 4},
                "ssim": {"type": "calculate_ssim", "crop_border": 4},
            },
        },
    }


def test_scores_tables_and_pictures_of_three_methods(mapping, tmp_path) -> None:
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    rows = list(csv.DictReader((comparison.folder / "scores.csv").open()))
    assert len(rows) == 6 * 3
    assert {row["method"] for row in rows} == {"bicubic", "base", "tuned"}
    assert {"name", "method", "psnr", "ssim"} == set(rows[0])
    assert (comparison.folder / "table.txt").read_text() == comparison.table + "\n"
    for method in ("bicubic", "base", "tuned", "panels"):
        assert len(list((comparison.folder / "visualization" / method).glob("*.png"))) == 6


def test_equal_weights_differ_by_nothing(mapping, tmp_path) -> None:
    mapping["path"]["base_network_g"] = mapping["path"]["pretrain_network_g"]
    table = compare(parse_options(mapping), folder=tmp_path / "results")[0].table
    tuned = next(line for line in table.splitlines() if line.startswith("tuned"))
    assert "(+0.00 dB)" in tuned and "(+0.0000)" in tuned


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m["datasets"].pop("test"), "datasets.test"),
        (lambda m: m["path"].update(base_network_g="nowhere.pth"), "nowhere.pth"),
        (lambda m: m["val"]["metrics"]["ssim"].update(crop_border=0), r"one crop_border.*\[0, 4\]"),
        (lambda m: m["val"]["metrics"]["ssim"].update(test_y_channel=True), "one test_y_channel"),
    ],
)
def test_bad_input_is_one_sentence(mapping, tmp_path, change, sentence) -> None:
    change(mapping)
    with pytest.raises(UserError, match=sentence):
        compare(parse_options(mapping), folder=tmp_path / "results")


def test_weights_of_another_scale_are_refused(mapping, tmp_path) -> None:
    network = build_generator(RRDBNetSpec(scale=2, num_feat=8, num_block=1, num_grow_ch=4))
    save_weights(tmp_path / "tuned.pth", params=plain_state(network))
    with pytest.raises(UserError, match="scale: expected 2, that of"):
        compare(parse_options(mapping), folder=tmp_path / "results")
