"""What the folder of a run says about its weights."""

import shutil

import pytest

from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.upscaling.export import run_facts
from realesrgan_arch.upscaling.export.run_facts import DataFacts, Score, find_run
from tests.upscaling.export.parts import COMPACT, write_run, write_weights


@pytest.fixture
def weights(tmp_path):
    return write_run(tmp_path, tmp_path / "my photos")


def test_a_run_tells_its_step_base_data_and_scores(tmp_path, weights):
    facts = find_run(weights, sha256=hash_file(weights))
    assert facts is not None
    assert (facts.name, facts.step, facts.has_discriminator, facts.notes) == ("tiny", 2, True, ())
    assert facts.base is not None
    assert (facts.base.name, facts.base.sha256) == ("base.pth", hash_file(tmp_path / "base.pth"))
    assert facts.base.licence is None
    split = hash_file(tmp_path / "split.csv")
    assert facts.data == DataFacts(
        "my photos", 3, split, "full", is_synthetic=True, batch_size=8, gt_size=32, is_apart=False
    )
    assert facts.scores == (Score("val", "abc123", "psnr", 21.5, 20.0, None),)


def test_weights_that_are_no_checkpoint_have_the_step_of_their_name_or_none(weights):
    numbered = write_weights(weights.with_name("net_g_7.pth"), COMPACT, seed=3)
    other = write_weights(weights.with_name("net_g_best_psnr.pth"), COMPACT, seed=4)
    steps = [getattr(find_run(path, sha256=hash_file(path)), "step", "no run") for path in (numbered, other)]
    assert steps == [7, None]
    assert find_run(other, sha256=hash_file(other)).scores == ()  # pyright: ignore


def test_what_has_moved_since_is_not_known(tmp_path, weights):
    (tmp_path / "base.pth").unlink()
    (tmp_path / "split.csv").unlink()
    facts = find_run(weights, sha256=hash_file(weights))
    assert facts is not None and facts.base is not None and facts.data is not None
    assert (facts.base.name, facts.base.sha256) == ("base.pth", None)
    assert (facts.data.pictures, facts.data.split_sha256) == (None, None)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_score_that_is_no_number_is_not_known(weights, number):
    table = weights.parents[1] / "results.csv"
    table.write_text(table.read_text().replace("21.5", number))
    facts = find_run(weights, sha256=hash_file(weights))
    assert facts is not None
    assert (facts.scores, facts.notes) == ((), ())


def test_a_damaged_table_of_scores_becomes_a_note(weights):
    table = weights.parents[1] / "results.csv"
    table.write_text(table.read_text().replace("21.5", "2l.5"))
    facts = find_run(weights, sha256=hash_file(weights))
    assert facts is not None and facts.data is not None
    assert facts.scores == ()
    assert facts.notes[0].startswith("results.csv of the run cannot be read, so nothing is said of its scores")


def test_a_table_that_may_not_be_read_becomes_a_note_without_a_path(tmp_path, weights, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(run_facts.csv, "DictReader", fail)
    facts = find_run(weights, sha256=hash_file(weights))
    assert facts is not None
    assert facts.notes[0].endswith("nothing is said of its scores: Permission denied")


def test_options_that_cannot_be_read_become_a_note(weights):
    (weights.parents[1] / "options.yml").write_text("name: [")
    facts = find_run(weights, sha256=hash_file(weights))
    assert facts is not None
    assert (facts.name, facts.step, facts.data, facts.base) == ("tiny", 2, None, None)
    assert facts.notes[0].startswith("the options of the run cannot be read")
    assert "tiny/options.yml" in facts.notes[0] and str(weights.parents[1]) not in facts.notes[0]


def test_weights_elsewhere_belong_to_no_run(tmp_path, weights):
    alone = tmp_path / "alone.pth"
    shutil.copy(weights, alone)
    assert find_run(alone, sha256=hash_file(alone)) is None
