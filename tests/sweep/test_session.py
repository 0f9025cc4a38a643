"""Whole sweeps of two networks whose errors cancel half-way, so that the best share is known."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.evaluation.data_choice import open_data
from realesrgan_arch.evaluation.evaluate import EvaluationError, ScoreRules
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.images import write_image
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.sweep.blends import Blends, checked_alphas
from realesrgan_arch.sweep.choose import SweepError
from realesrgan_arch.sweep.session import SweepRequest, sweep
from realesrgan_arch.sweep.sizes import check_sizes
from realesrgan_arch.weights.load import load_weights
from tests.data.frozen import freeze
from tests.upscaling.export.parts import COMPACT, X2, write_weights

SCENES = 7


def write_shifted(path: Path, shift: float) -> Path:
    """Weights of nearest-neighbour upsampling that makes all pixels brighter by `shift`."""
    torch.manual_seed(0)
    network = build_generator(COMPACT)
    *_, weight, bias = network.parameters()
    with torch.no_grad():
        weight.zero_()
        bias.fill_(shift)
    torch.save({"params": network.state_dict()}, path)
    return path


def write_photographs(root: Path, *, scenes: int = SCENES) -> Path:
    generator = np.random.default_rng(0)
    for index in range(scenes):
        coarse = generator.integers(60, 190, (6, 6, 3), dtype=np.uint8)
        write_image(root / f"scene{index}" / "a.png", coarse.repeat(8, axis=0).repeat(8, axis=1))
    return root


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("parts")
    return {
        "base": str(write_shifted(folder / "base.pth", 0.08)),
        "tuned": str(write_shifted(folder / "tuned.pth", -0.08)),
        "data": str(write_photographs(folder / "photographs")),
    }


def request(parts: dict[str, str], output: Path, **settings: object) -> SweepRequest:
    plain = {"alphas": (0, 0.25, 0.5, 1), "metrics": ("psnr", "ssim"), "preset": "mild", "device": "cpu"}
    return SweepRequest(**parts, output=output, **(plain | settings))  # pyright: ignore


@pytest.fixture(scope="module")
def swept(parts, tmp_path_factory):
    return sweep(request(parts, tmp_path_factory.mktemp("swept")))


def test_the_share_whose_errors_cancel_is_chosen(swept):
    assert swept.record.choice.alpha == 0.5
    assert [point.difference("psnr") > 0 for point in swept.record.curve.tried] == [True, True, False]
    assert (swept.record.curve.scenes, swept.record.curve.pictures) == (SCENES, SCENES)


def test_the_exported_model_is_the_one_that_was_scored(swept, parts):
    exported = load_weights(swept.folder / "blend-0.5" / "tuned-blend.pth").state
    assert (swept.folder / "blend-0.5" / "tuned-blend.safetensors").is_file()
    scored = Blends.load(parts["base"], parts["tuned"]).network(0.5).state_dict()
    assert exported.keys() == scored.keys()
    assert all(torch.equal(exported[name], scored[name]) for name in scored)
    assert float(list(exported.values())[-1].abs().max()) < 1e-7


def test_the_model_says_who_chose_it_from_what_and_where(swept, parts):
    record = json.loads((swept.folder / "blend-0.5" / "export.json").read_text())
    chosen, ends = record["selection"], Blends.load(parts["base"], parts["tuned"])
    assert (chosen["rule"], chosen["share"], chosen["tried"]) == ("not-worse", 0.5, [0, 0.25, 0.5, 1])
    assert (chosen["base_sha256"], chosen["tuned_sha256"]) == (ends.base.file.sha256, ends.tuned.file.sha256)
    assert (chosen["data"], chosen["identity"]) == ("photographs", swept.record.identity)
    assert chosen["sentence"] == swept.record.choice.sentence
    assert record["source"]["sha256"] == ends.tuned.file.sha256
    assert record["blend"] == {"file": "base.pth", "sha256": ends.base.file.sha256, "share": 0.5}
    card = (swept.folder / "blend-0.5" / "README.md").read_text()
    assert "share of 0.5 of the tuned weights was chosen by the rule `not-worse` among 0, 0.25, 0.5, 1" in card
    assert "their numbers flatter it: they are no proof" in card and "was not evaluated" not in card


def test_the_folder_has_curve_plot_scores_and_record(swept):
    rows = list(csv.DictReader((swept.folder / "curve.csv").read_text().splitlines()))
    assert [row["alpha"] for row in rows] == ["0", "0.25", "0.5", "1"]
    assert [row["chosen"] for row in rows] == ["0", "0", "1", "0"]
    assert rows[0]["psnr_difference"] == rows[0]["composite_low"] == ""
    low, mean, high = (float(rows[2][f"psnr_{name}"]) for name in ("low", "difference", "high"))
    assert 0 < low < mean < high and rows[2]["psnr_verdict"] == "better"
    scores = list(csv.DictReader((swept.folder / "sweep-scores.csv").read_text().splitlines()))
    assert len(scores) == 4 * SCENES
    assert {row["method"] for row in scores} == {"base", "blend 0.25", "blend 0.5", "tuned"}
    differences = [float(of["psnr"]) - float(base["psnr"]) for base, of in zip(scores[::4], scores[2::4], strict=True)]
    assert np.mean(differences) == pytest.approx(mean, abs=1e-5)
    record = json.loads((swept.folder / "sweep.json").read_text())
    assert (record["choice"]["alpha"], record["model"], len(record["points"])) == (0.5, "blend-0.5", 4)
    assert "preset mild, seed 0" in record["set"]["made"]
    assert "<svg" in (swept.folder / "curve.svg").read_text()


def test_it_says_that_what_chose_flatters_and_that_a_test_part_is_spoilt(parts, tmp_path):
    data = write_photographs(tmp_path / "test", scenes=2)
    notes = sweep(request(parts | {"data": str(data)}, tmp_path / "out", is_exported=False)).record.notes
    assert "the share was chosen on test, whose numbers flatter it: it is the best of 3 there" in notes[0]
    assert "test is a test part: what has chosen a share there proves nothing any more" in notes[1]


def test_a_stopped_sweep_goes_on_and_finds_the_same(parts, tmp_path, swept, monkeypatch):
    blend, calls = Blends.network, []

    def stop_in_the_third_picture(self, alpha):
        calls.append(alpha)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return blend(self, alpha)

    monkeypatch.setattr(Blends, "network", stop_in_the_third_picture)
    with pytest.raises(KeyboardInterrupt):
        sweep(request(parts, tmp_path))
    assert not (tmp_path / "sweep.json").exists()
    done = len(calls) - 2  # one that tries whether the weights fit, one that was stopped
    calls[:] = [-1.0] * 20
    assert sweep(request(parts, tmp_path)).record.facts() == swept.record.facts()
    assert len(calls) - 20 - 1 == 4 * SCENES - done


def test_a_second_sweep_by_another_rule_scores_nothing_and_keeps_the_first_model(parts, tmp_path, monkeypatch):
    sweep(request(parts, tmp_path))
    weights = (tmp_path / "blend-0.5" / "tuned-blend.pth").read_bytes()
    monkeypatch.setattr(Blends, "contender", _same_facts_but_no_picture)
    again = sweep(request(parts, tmp_path, rule="utility", utility={"psnr": 1.0, "ssim": 0.5}))
    assert (again.record.choice.rule, again.record.choice.alpha) == ("utility", 0.5)
    assert again.record.facts()["utility"] == {"psnr": 1.0, "ssim": 0.5}
    assert (tmp_path / "blend-0.5" / "tuned-blend.pth").read_bytes() == weights


_CONTENDER = Blends.contender


def _same_facts_but_no_picture(self: Blends, alpha: float, **where: object):
    return type(found := _CONTENDER(self, alpha, **where))(found.facts, lambda _: pytest.fail("scored again"))  # pyright: ignore


def test_the_base_stays_where_no_share_is_better_and_no_model_is_written(parts, tmp_path):
    worse = write_shifted(tmp_path / "worse.pth", 0.3)
    outcome = sweep(request(parts | {"tuned": str(worse)}, tmp_path / "out"))
    assert (outcome.record.choice.alpha, outcome.exported, outcome.record.model) == (0, None, "")
    assert "the base stays: every share loses in PSNR" in outcome.record.choice.sentence
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".csv", ".json", ".jsonl", ".svg"]


def test_the_tuned_weights_alone_are_exported_as_they_are(parts, tmp_path):
    outcome = sweep(request(parts, tmp_path, alphas=(0, 1), rule="utility", utility={"psnr": 1.0}, preset="mild"))
    if outcome.record.choice.alpha:
        pytest.fail("both ends are as far from the truth")
    best = write_shifted(tmp_path / "best.pth", 0.0)
    outcome = sweep(request(parts | {"tuned": str(best)}, tmp_path / "out", alphas=(1,)))
    record = json.loads((tmp_path / "out" / "tuned" / "export.json").read_text())
    assert (outcome.record.choice.alpha, record["blend"], record["selection"]["share"]) == (1, None, 1)


def test_a_picture_that_cannot_be_read_is_left_out_and_named(parts, tmp_path):
    data = write_photographs(tmp_path / "some", scenes=3)
    (data / "scene1" / "a.png").write_bytes(b"no picture")
    record = sweep(request(parts | {"data": str(data)}, tmp_path / "out", is_exported=False)).record
    assert record.curve.pictures == 2 and "scene1" in record.left_out[0]


def test_weights_that_cannot_be_blended_are_one_sentence_each(parts, tmp_path):
    x2 = write_weights(tmp_path / "x2.pth", X2)
    with pytest.raises(SweepError, match=r"expected two networks of one scale, got .*base.pth \(x4\) and .*\(x2\)"):
        sweep(request(parts | {"tuned": str(x2)}, tmp_path / "out"))
    with pytest.raises(SweepError, match="expected two models, got the same bytes twice"):
        sweep(request(parts | {"tuned": parts["base"]}, tmp_path / "out"))
    wider = write_weights(tmp_path / "wider.pth", type(COMPACT)(num_feat=12, num_conv=2))
    with pytest.raises(
        SweepError,
        match=r"base.pth \(SRVGGNetCompact, num_feat 8\) and .*num_feat 12\) are different networks",
    ):
        sweep(request(parts | {"tuned": str(wider)}, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_pictures_too_small_for_niqe_are_one_sentence_before_anything_is_scored(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(Blends, "contender", _same_facts_but_no_picture)
    with pytest.raises(SweepError, match="NIQE needs at least 96x192 pixels inside the border of 4, and none of 7 pic"):
        sweep(request(parts, tmp_path / "out", metrics=("psnr", "niqe")))
    assert not (tmp_path / "out").exists()


def test_one_picture_large_enough_for_niqe_is_enough(tmp_path):
    write_photographs(tmp_path / "photographs", scenes=2)
    coarse = np.random.default_rng(1).integers(60, 190, (13, 25, 3), dtype=np.uint8)
    write_image(tmp_path / "photographs" / "scene9" / "a.png", coarse.repeat(8, axis=0).repeat(8, axis=1))
    data = open_data(str(tmp_path / "photographs"))
    check_sizes(data, ScoreRules(metrics=("niqe",), border=4))
    with pytest.raises(SweepError, match="inside the border of 5"):
        check_sizes(data, ScoreRules(metrics=("niqe",), border=5))


def test_a_metric_that_is_defined_for_no_picture_is_left_out_with_its_reason(parts, tmp_path):
    for index in range(3):
        write_image(tmp_path / "flat" / f"scene{index}" / "a.png", np.full((48, 48, 3), 90 + index, np.uint8))
    asked = request(parts | {"data": str(tmp_path / "flat")}, tmp_path / "out", metrics=("psnr", "edges"))
    reason = "edges is left out: it is defined for none of 3 pictures (smaller than 17 pixels inside the border or "
    record = sweep(replace(asked, is_exported=False)).record
    assert record.curve.metrics == ("psnr",)
    assert any(note.startswith(reason) for note in record.notes)
    assert "edges" not in (tmp_path / "out" / "curve.csv").read_text()
    with pytest.raises(SweepError, match=rf"that are measured \(psnr\), got edges; {re.escape(reason)}"):
        sweep(replace(asked, rule="utility", utility={"edges": -1.0}))


def test_a_sweep_of_a_frozen_set_says_which_settings_have_no_effect(parts, tmp_path):
    freeze(Path(parts["data"]), tmp_path / "val", max_size=48)
    asked = request(parts | {"data": str(tmp_path / "val")}, tmp_path / "out", is_exported=False, max_size=32)
    assert sweep(asked).record.notes[0] == "a frozen set is scored whole; --max-size has no effect"


def test_pictures_and_folders_that_cannot_be_used_are_one_sentence_each(parts, tmp_path):
    with pytest.raises(DataError):
        sweep(request(parts | {"data": str(tmp_path / "absent")}, tmp_path / "out"))
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="expected a folder that can be written to"):
        sweep(request(parts, tmp_path / "file" / "out"))


def test_a_second_sweep_into_the_folder_is_refused(parts, tmp_path):
    with file_lock(tmp_path / ".out.lock"), pytest.raises(EvaluationError, match="another process is evaluating into"):
        sweep(request(parts, tmp_path / "out"))


def test_shares_are_rising_once_each_and_0_is_always_among_them():
    assert checked_alphas((1.0, 0.1 + 0.2, 0.3)) == (0.0, 0.3, 1.0)
    for wrong in ((0.0,), (0.5, 1.1), (-0.1,), (float("nan"),)):
        with pytest.raises(SweepError, match="--alphas: expected"):
            checked_alphas(wrong)


def test_a_share_is_that_of_the_tuned_weights_and_the_ends_are_the_files_themselves(parts):
    ends = Blends.load(parts["base"], parts["tuned"])
    assert float(list(ends.network(0.25).parameters())[-1].mean()) == pytest.approx(0.75 * 0.08 - 0.25 * 0.08)
    for alpha, file in ((0.0, "base"), (1.0, "tuned")):
        state, expected = ends.network(alpha).state_dict(), load_weights(parts[file]).state
        assert all(torch.equal(state[name], expected[name]) for name in expected)
        assert ends.key(alpha) == getattr(ends, file).file.sha256
    assert ends.key(0.3) != ends.key(0.4)


def test_the_model_of_an_earlier_choice_does_not_stay_beside_the_new_one(parts, tmp_path):
    sweep(request(parts, tmp_path))
    (tmp_path / "blend-0.5" / "mine.txt").write_text("mine")
    sweep(request(parts, tmp_path, alphas=(0, 0.25)))
    assert [path.name for path in (tmp_path / "blend-0.5").iterdir()] == ["mine.txt"]
    assert json.loads((tmp_path / "sweep.json").read_text())["model"] == "blend-0.25"
    assert (tmp_path / "blend-0.25" / "tuned-blend.pth").is_file()


def test_a_sweep_of_other_weights_is_not_replaced(parts, tmp_path):
    sweep(request(parts, tmp_path / "out", is_exported=False))
    before = (tmp_path / "out" / "sweep.json").read_bytes()
    other = str(write_shifted(tmp_path / "other.pth", -0.04))
    with pytest.raises(SweepError, match="without a sweep of other weights or pictures, got .*out; choose another"):
        sweep(request(parts | {"tuned": other}, tmp_path / "out", is_exported=False))
    assert (tmp_path / "out" / "sweep.json").read_bytes() == before
