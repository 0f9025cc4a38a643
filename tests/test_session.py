"""A whole run: files, scores, resume, and what is said when something does not fit."""

import copy
import csv
import json
import re
from pathlib import Path

import pytest
import torch
import yaml

from realesrgan_arch.data.manifest import write_split
from realesrgan_arch.data.split import split_by_folder
from realesrgan_arch.errors import UserError
from realesrgan_arch.images import read_rgb, write_image
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import train
from realesrgan_arch.training.checkpoint import plain_state, save_weights
from realesrgan_arch.weights.load import load_generator
from tests.data.frozen import freeze
from tests.tiny_run import tiny_options, write_pictures


@pytest.fixture
def mapping(tmp_path) -> dict:
    write_pictures(tmp_path / "photos")
    return tiny_options(tmp_path / "photos", tmp_path)


def _train(mapping: dict, **arguments):
    return train(parse_options(mapping), **arguments)


def test_a_run_leaves_weights_states_options_metrics_and_a_table(mapping) -> None:
    outcome = _train(mapping)
    root = outcome.run_folder.root
    assert {path.name for path in root.iterdir()} == {
        "base_scores.json", "best.json", "metrics.jsonl", "models", "options.yml", "ranks.json", "results.csv",
        "tb_logger", "training_states", "visualization",
    }  # fmt: skip
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    assert [(r["kind"], r["step"]) for r in records] == [
        ("validation", 0), ("train", 1), ("train", 2), ("validation", 2),
    ]  # fmt: skip
    for word in ("bicubic", "base", "tuned", "PSNR"):
        assert word in outcome.table
    assert str(outcome.weights) in outcome.summary()
    network, spec = load_generator(outcome.weights)
    assert spec.num_feat == 8


def test_results_csv_compares_the_model_with_base_and_bicubic_at_every_validation(mapping) -> None:
    outcome = _train(mapping)
    with outcome.run_folder.results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["set"]) for row in rows] == [("0", "val"), ("2", "val")]
    assert rows[0]["psnr"] == rows[0]["psnr_base"] == rows[1]["psnr_base"]
    values = {key: float(value) for key, value in rows[1].items() if key.startswith("psnr")}
    assert values["psnr_minus_base"] == pytest.approx(values["psnr"] - values["psnr_base"], abs=1e-3)
    assert values["psnr_minus_bicubic"] == pytest.approx(values["psnr"] - values["psnr_bicubic"], abs=1e-3)
    assert f"{values['psnr']:.2f}" in outcome.table


def test_the_header_says_what_trains_on_what_and_where(mapping, capsys) -> None:
    run_folder = _train(mapping).run_folder
    said = capsys.readouterr().err
    for row in (
        rf"^run +{run_folder.root}$", r"^data +train: 6 images \([0-9a-f]{12}\)$", r"^ +val: 2 pictures$",
        r"^batch +2 of 32 x 32 pixels$", r"^steps +2, seed 0$", r"^trains +network_g: 4,920 of 4,920 parameters",
        r"^device +cpu, fp32, 0 data workers", r"^disk +[\d.,]+ (GiB|MB) free$",
        rf"^curves +tensorboard --logdir {run_folder.tensorboard}$",
    ):  # fmt: skip
        assert re.search(row, said, re.MULTILINE), row


def test_the_base_is_scored_before_the_first_step_and_stays_the_base(mapping) -> None:
    mapping["train"]["optim_g"]["lr"] = 1e-12
    outcome = _train(mapping)
    scores = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    base, now = (r["psnr"] for r in scores if r["kind"] == "validation")
    assert now == pytest.approx(base, abs=1e-3)
    assert "(+0.00 dB)" in outcome.table or "(-0.00 dB)" in outcome.table


def test_every_validation_set_has_its_own_scores_table_and_pictures(mapping) -> None:
    mapping["datasets"]["val_1"] = {**mapping["datasets"]["val"], "name": "easy", "degradation": "bicubic"}
    mapping["val"]["save_img"] = True
    outcome = _train(mapping)
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    scored = [(r["set"], r["step"]) for r in records if r["kind"] == "validation"]
    assert scored == [("val", 0), ("easy", 0), ("val", 2), ("easy", 2)]
    titles = [table.splitlines()[0] for table in outcome.table.split("\n\n")]
    assert titles == ["val", "easy"]
    for name in titles:
        assert len(list((outcome.run_folder.visualization / name).rglob("*_2.png"))) == 2


def test_scores_of_a_frozen_set_carry_its_hash(mapping, tmp_path) -> None:
    rows = split_by_folder(tmp_path / "photos", seed=0, val_share=0.3, test_share=0)
    write_split(rows, tmp_path / "split")
    card = freeze(tmp_path / "photos", tmp_path / "frozen", rows=[row for row in rows if row.split == "val"])
    mapping["datasets"]["train"]["manifest"] = str(tmp_path / "split/train.csv")
    mapping["datasets"]["val_1"] = {"name": "cold", "type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    outcome = _train(mapping)
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    scored = {r["set"]: r.get("set_hash") for r in records if r["kind"] == "validation"}
    assert scored == {"val": None, "cold": card.short_hash}
    assert f"cold [frozen {card.short_hash}]" in outcome.table.splitlines()
    (tmp_path / "frozen" / card.pairs[0].lq).unlink()
    with pytest.raises(UserError, match="The frozen set is not whole"):
        _train(mapping)


def test_manifests_that_leak_stop_the_run_before_it_makes_a_folder(mapping, tmp_path) -> None:
    rows = split_by_folder(tmp_path / "photos", seed=0, val_share=0.3, test_share=0)
    write_split(rows, tmp_path)
    for part in ("train", "val"):
        mapping["datasets"][part]["manifest"] = str(tmp_path / "train.csv")
    with pytest.raises(UserError, match="two splits"):
        _train(mapping)
    assert not (tmp_path / "experiments").exists()


def test_a_second_run_of_the_name_moves_the_first_aside(mapping) -> None:
    first = _train(mapping)
    marker = first.run_folder.root / "mine.txt"
    marker.write_text("mine")
    _train(mapping)
    archived = list(first.run_folder.root.parent.glob("tiny_archived_*"))
    assert [path.read_text() for folder in archived for path in folder.glob("mine.txt")] == ["mine"]


def test_auto_resume_equals_an_uninterrupted_run_bit_for_bit(mapping, tmp_path) -> None:
    mapping["train"]["total_iter"] = 4
    straight = _train({**mapping, "name": "straight"})
    stopped = {**mapping, "name": "stopped", "train": {**mapping["train"], "total_iter": 2}}
    _train(stopped)
    resumed = _train({**mapping, "name": "stopped"}, auto_resume=True)
    expected, found = (torch.load(o.weights, weights_only=True) for o in (straight, resumed))
    for key in ("params", "params_ema"):
        assert all(torch.equal(expected[key][name], found[key][name]) for name in expected[key])


def test_workers_change_nothing(mapping) -> None:
    alone = _train({**mapping, "name": "alone"})
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 2
    helped = _train({**mapping, "name": "helped"})
    expected, found = (torch.load(o.weights, weights_only=True)["params"] for o in (alone, helped))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def _truncate_one_jpeg(photos: Path) -> Path:
    """Replace a picture by a JPEG that ends in the middle."""
    victim = sorted(photos.rglob("*.png"))[3]
    pixels = read_rgb(victim)
    victim.unlink()
    path = victim.with_suffix(".jpg")
    write_image(path, pixels)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def test_a_truncated_jpeg_is_replaced_counted_and_listed(mapping, tmp_path) -> None:
    broken = _truncate_one_jpeg(tmp_path / "photos")
    mapping["train"]["total_iter"] = 6
    del mapping["val"]
    results = []
    for name in ("one", "two"):
        outcome = _train({**mapping, "name": name})
        assert outcome.failed_files.strip() == str(broken)
        assert str(broken) in outcome.summary()
        results.append(torch.load(outcome.weights, weights_only=True)["params"])
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_weights_of_another_network_are_refused_with_the_keys(mapping, tmp_path) -> None:
    network = build_generator(CompactSpec(num_feat=8, num_conv=3))
    save_weights(tmp_path / "other.pth", params=plain_state(network))
    mapping["path"]["pretrain_network_g"] = str(tmp_path / "other.pth")
    with pytest.raises(UserError, match="num_conv"):
        _train(mapping)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"path": {"pretrain_network_g": "nowhere.pth"}}, "nowhere.pth"),
        ({"train.trainable": {"network_g": ["conv_lst"]}}, "matches nothing"),
        ({"datasets.train.dataroot_gt": "nowhere"}, "nowhere"),
        ({"datasets.train.batch_size_per_gpu": 50, "queue_size": 50}, "6 images"),
        ({"train.perceptual_opt": {"type": "PerceptualLoss", "weights": "no_vgg.pth"}}, "no_vgg.pth"),
    ],
)
def test_bad_input_is_one_sentence_before_the_first_step(mapping, tmp_path, change, sentence) -> None:
    for dotted, value in change.items():
        *parents, last = dotted.split(".")
        section = mapping
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = {**section.get(last, {}), **value} if isinstance(value, dict) else value
    with pytest.raises(UserError, match=sentence) as caught:
        _train(mapping)
    assert caught.value.exit_code == 2
    assert not list(tmp_path.glob("experiments/*/models/*.pth"))


def test_a_failed_start_leaves_the_older_run_where_it_is(mapping) -> None:
    first = _train(mapping)
    for section, key, value in (
        ("path", "pretrain_network_g", "nowhere.pth"),
        ("datasets.train", "dataroot_gt", "nowhere"),
        ("datasets.val", "dataroot_gt", "nowhere"),
    ):
        broken = copy.deepcopy(mapping)
        target = broken
        for part in section.split("."):
            target = target[part]
        target[key] = value
        with pytest.raises(UserError, match="nowhere"):
            _train(broken)
    assert [path.name for path in first.run_folder.root.parent.iterdir() if path.is_dir()] == ["tiny"]
    assert first.weights.exists()


def test_a_new_run_can_start_from_the_older_one_of_its_name(mapping) -> None:
    first = _train(mapping)
    mapping["path"]["pretrain_network_g"] = str(first.weights)
    assert _train(mapping).weights.exists()


def test_a_finished_run_says_so_in_one_sentence_and_changes_nothing(mapping) -> None:
    first = _train(mapping)
    before = {path: path.read_bytes() for path in first.run_folder.models.iterdir()}
    metrics = first.run_folder.metrics.read_text()
    again = _train(mapping, auto_resume=True)
    assert "nothing is left to do: the run is finished at step 2; raise train.total_iter" in again.summary()
    assert {path: path.read_bytes() for path in first.run_folder.models.iterdir()} == before
    assert first.run_folder.metrics.read_text() == metrics


def test_accumulate_auto_is_settled_once_and_written_into_the_options_of_the_run(mapping) -> None:
    mapping["train"] |= {"accumulate": "auto", "memory_budget": "1GB"}
    outcome = _train(mapping)
    assert yaml.safe_load((outcome.run_folder.root / "options.yml").read_text())["train"]["accumulate"] == 1
