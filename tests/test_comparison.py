"""`test.py`: base against tuned on unseen pictures, with files for people and for programs."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.comparison import choose_section, compare
from realesrgan_arch.data.files import DataError
from realesrgan_arch.errors import EXIT_SOME_FILES_FAILED, UserError
from realesrgan_arch.evaluation.proof import read_proof
from realesrgan_arch.evaluation.proof_text import proof_lines
from realesrgan_arch.images import write_image
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.test import main as score
from realesrgan_arch.training.checkpoint import plain_state, save_weights
from tests.data.frozen import freeze
from tests.tiny_run import tiny_options, write_options, write_pictures


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


def write_pairs(folder: Path) -> dict[str, object]:
    """Write truths and inputs of a fourth; return the section of that set."""
    write_pictures(folder / "photos", size=(128, 128))
    write_pictures(folder / "lq", size=(32, 32))
    roots = {"dataroot_gt": str(folder / "photos"), "dataroot_lq": str(folder / "lq")}
    return {"name": "unseen", "type": "PairedImageDataset", **roots}


def test_scores_tables_and_pictures_of_three_methods(mapping, tmp_path) -> None:
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    rows = list(csv.DictReader((comparison.folder / "scores.csv").open()))
    assert len(rows) == 6 * 3
    assert {row["method"] for row in rows} == {"bicubic", "base", "tuned"}
    assert list(rows[0]) == ["name", "scene", "method", "psnr", "ssim"]
    assert {row["scene"] for row in rows} == {"scene 0", "scene 1", "scene 2"}
    assert comparison.table in (comparison.folder / "table.txt").read_text()
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
        (lambda m: m.pop("path"), "path.pretrain_network_g: expected the weights to test"),
        (lambda m: m["val"]["metrics"]["ssim"].update(crop_border=0), r"one crop_border.*\[0, 4\]"),
        (lambda m: m["val"]["metrics"]["ssim"].update(test_y_channel=True), "one test_y_channel"),
    ],
)
def test_bad_input_is_one_sentence(mapping, tmp_path, change, sentence) -> None:
    change(mapping)
    with pytest.raises(UserError, match=sentence):
        compare(parse_options(mapping), folder=tmp_path / "results")


def test_a_model_without_a_base_is_called_model(mapping, tmp_path) -> None:
    del mapping["path"]["base_network_g"]
    table = compare(parse_options(mapping), folder=tmp_path / "results")[0].table
    assert [line.split()[0] for line in table.splitlines()[3:]] == ["bicubic", "model"]
    assert "(+" not in table and "(-" not in table


def test_pictures_of_one_name_two_folders_deep_are_kept_apart(mapping, tmp_path) -> None:
    (tmp_path / "photos").rename(tmp_path / "first")
    write_pictures(tmp_path / "photos" / "second", scenes=1, size=(128, 120))
    (tmp_path / "first").rename(tmp_path / "photos" / "first")
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    assert len(list((comparison.folder / "visualization" / "tuned").glob("*.png"))) == 8
    assert (comparison.folder / "visualization" / "panels" / "second_scene 0_view 1.png").exists()


def test_sets_of_one_name_do_not_overwrite_each_other(mapping, tmp_path) -> None:
    mapping["datasets"]["test_1"] = {**mapping["datasets"]["test"], "max_images": 1}
    first, second = compare(parse_options(mapping), folder=tmp_path / "results")
    assert (first.title, second.title) == ("test", "test_1")
    assert "mean over 6 pictures" in (first.folder / "table.txt").read_text()
    assert "mean over 1 picture;" in (second.folder / "table.txt").read_text()


def test_an_unreadable_picture_is_left_out_and_listed(mapping, tmp_path, capsys) -> None:
    broken = tmp_path / "photos" / "scene 1" / "view 0.png"
    broken.write_bytes(broken.read_bytes()[:100])
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    assert comparison.left_out == ("scene 1/view 0.png is a truncated PNG image; copy or download it again.",)
    assert (
        comparison.table.splitlines()[-1]
        == "1 picture not scored: scene 1/view 0.png is a truncated PNG image; copy or download it again."
    )
    assert "mean over 5 pictures" in comparison.table
    arguments = ["-opt", str(write_options(tmp_path / "test.yml", mapping)), "-o", str(tmp_path / "results")]
    assert score(arguments) == EXIT_SOME_FILES_FAILED
    assert comparison.proof.judgements[0].sentence in capsys.readouterr().out


def test_an_output_that_is_no_folder_is_said_before_anything_is_loaded(mapping, tmp_path) -> None:
    (tmp_path / "results").write_text("in the way")
    mapping["path"]["base_network_g"] = "nowhere.pth"
    with pytest.raises(UserError, match="folder that can be written to, got .*results"):
        compare(parse_options(mapping), folder=tmp_path / "results")


def test_weights_of_another_scale_are_refused(mapping, tmp_path) -> None:
    network = build_generator(RRDBNetSpec(scale=2, num_feat=8, num_block=1, num_grow_ch=4))
    save_weights(tmp_path / "tuned.pth", params=plain_state(network))
    with pytest.raises(UserError, match="scale: expected 2, that of"):
        compare(parse_options(mapping), folder=tmp_path / "results")


def test_every_file_of_scores_of_a_frozen_set_carries_its_hash(mapping, tmp_path) -> None:
    card = freeze(tmp_path / "photos", tmp_path / "frozen", max_size=None)
    mapping["datasets"]["test"] = {"name": "cold", "type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    assert comparison.folder == tmp_path / "results" / "cold"
    title = f"cold [frozen {card.short_hash}]"
    assert title in comparison.text().splitlines()[:3]
    assert (comparison.folder / "table.txt").read_text().splitlines()[2] == title
    rows = list(csv.DictReader((comparison.folder / "scores.csv").open()))
    assert {row["set_hash"] for row in rows} == {card.short_hash}


def test_the_verdict_comes_first_and_stands_in_the_proof(mapping, tmp_path) -> None:
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    proof = read_proof(comparison.folder)
    first = proof.judgements[0]
    assert (first.method, first.against) == ("tuned", "base")
    assert comparison.text().splitlines()[0] == first.sentence
    assert (proof.pictures, proof.scenes, proof.scale) == (6, 3, 4)


def test_pictures_that_were_removed_are_made_again(mapping, tmp_path) -> None:
    first = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    panel = first.folder / "visualization" / "panels" / "scene 1_view 0.png"
    panel.unlink()
    assert compare(parse_options(mapping), folder=tmp_path / "results")[0].scores == first.scores
    assert panel.is_file()


def test_other_pictures_under_the_same_names_are_scored_anew(mapping, tmp_path) -> None:
    first = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    write_pictures(tmp_path / "photos", size=(120, 128))
    assert compare(parse_options(mapping), folder=tmp_path / "results")[0].scores != first.scores


@pytest.mark.parametrize(("size", "reason"), [((96, 128), "Expected photos/"), ((3, 3), "")])
def test_a_truth_that_is_too_small_is_left_out_as_evaluate_does(mapping, tmp_path, size, reason) -> None:
    if reason:
        mapping["datasets"]["test"] = write_pairs(tmp_path)
    write_image(tmp_path / "photos" / "scene 1" / "view 0.png", np.zeros((*size, 3), np.uint8))
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    assert len(comparison.left_out) == 1 and "scene 1/view 0.png to be at least 4" in comparison.left_out[0]
    assert comparison.left_out[0].startswith(reason) and str(tmp_path) not in comparison.left_out[0]
    assert comparison.proof.pictures == 5


@pytest.mark.parametrize(("spare", "is_refused"), [(3, False), (4, True)])
def test_truths_that_are_larger_by_the_scale_are_refused_as_evaluate_does(mapping, tmp_path, spare, is_refused) -> None:
    mapping["datasets"]["test"] = write_pairs(tmp_path)
    write_image(tmp_path / "photos" / "scene 1" / "view 0.png", np.zeros((128, 128 + spare, 3), np.uint8))
    if not is_refused:
        assert compare(parse_options(mapping), folder=tmp_path / "results")[0].proof.pictures == 6
        return
    with pytest.raises(DataError, match=r"scene 1/view 0.png is 132 x 128, as 1 of 6 truths is too large; give"):
        compare(parse_options(mapping), folder=tmp_path / "results")


def test_pictures_are_named_below_the_root_and_the_identity_has_no_path(mapping, tmp_path, monkeypatch) -> None:
    options = parse_options(mapping)
    [section] = options.datasets.test_sets().values()
    choice = choose_section(section, "unseen", options)
    assert choice.pairs.names[0] == choice.pairs[0].name == "scene 0/view 0.png"
    monkeypatch.chdir(tmp_path)
    typed = section.model_copy(update={"dataroot_gt": Path("photos"), "name": "other"})
    assert choose_section(typed, "unseen", options).identity == choice.identity


def test_the_proof_is_told_as_by_evaluate_and_names_no_path(mapping, tmp_path) -> None:
    (tmp_path / "photos" / "scene 1" / "view 0.png").write_bytes(b"broken")
    comparison = compare(parse_options(mapping), folder=tmp_path / "results")[0]
    lines = comparison.text().splitlines()
    assert lines[0] == comparison.proof.judgements[0].sentence
    assert any(line.startswith("tuned against") for line in lines)
    told = "\n".join(proof_lines(comparison.proved))
    assert comparison.text().startswith(told) and len(lines) == len(told.splitlines()) + 2
    assert {"date", "computed by", "device", "torch"} < set(comparison.proof.facts)
    assert str(tmp_path) not in (comparison.folder / "proof.json").read_text()


def test_pictures_that_a_run_was_trained_on_are_no_proof_here_either(mapping, tmp_path) -> None:
    models = tmp_path / "experiments" / "tiny" / "models"
    models.mkdir(parents=True)
    mapping["path"]["pretrain_network_g"] = str((tmp_path / "tuned.pth").rename(models / "net_g_latest.pth"))
    write_options(models.parent / "options.yml", tiny_options(tmp_path / "photos" / "scene 0", tmp_path))
    [comparison] = compare(parse_options(mapping), folder=tmp_path / "results")
    assert comparison.text().startswith("No proof: 2 of 6 pictures are ones that tiny was trained on")


def test_results_among_the_pictures_are_refused_before_anything_is_written(mapping, tmp_path) -> None:
    with pytest.raises(UserError, match="results that is not among the pictures"):
        compare(parse_options(mapping), folder=tmp_path / "photos" / "results")
    assert not (tmp_path / "photos" / "results").exists()
