"""`realesrgan-arch evaluate`: the verdict first, the files beside it, and one sentence for what cannot be."""

import csv
import json
import signal
from collections.abc import Iterator

import pytest
import torch
import yaml

from realesrgan_arch.cli import main as cli
from realesrgan_arch.entry import run
from realesrgan_arch.evaluation import scoring_run
from realesrgan_arch.evaluation.proof import read_proof
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.training.checkpoint import plain_state, save_weights
from tests.data.frozen import freeze, write_blocks, write_villas
from tests.tiny_run import tiny_options

FAST = ["--device", "cpu", "--backend", "torch", "--metrics", "psnr", "ssim"]


@pytest.fixture
def place(in_tmp_path):
    write_villas(in_tmp_path / "photos")
    for seed, name in enumerate(("base", "tuned")):
        save(in_tmp_path / f"{name}.pth", CompactSpec(num_feat=8, num_conv=2), seed)
    return in_tmp_path


def save(path, spec: GeneratorSpec, seed: int) -> None:
    torch.manual_seed(seed)
    save_weights(path, params=plain_state(build_generator(spec)))


def evaluate(*arguments: str) -> int:
    return run(cli, ["evaluate", *arguments, *FAST])


def test_the_verdict_is_the_first_line_and_the_files_are_there(place, capsys) -> None:
    assert evaluate("base.pth", "tuned.pth", "--data", "photos", "--preset", "mild") == 0
    folder = place / "results" / "tuned_photos"
    proof = read_proof(folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == proof.judgements[0].sentence
    assert [one.name for one in proof.methods] == ["ground truth", "bicubic", "base", "tuned"]
    assert proof.facts["command"].startswith("realesrgan-arch evaluate base.pth tuned.pth --data photos")
    rows = list(csv.DictReader((folder / "scores.csv").open()))
    assert len(rows) == 4 * 3
    assert list((folder / "pictures").glob("worst_01_*.png"))


def test_json_is_the_proof(place, capsys) -> None:
    assert evaluate("tuned.pth", "--data", "photos", "--name", "mine", "--json", "--no-pictures") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["proof"]["judgements"][0]["method"] == "model"
    assert facts["made"] == ["results/mine"]
    assert facts["proof"]["shown"] == []


def test_controls_and_a_general_set_have_their_rows(place, capsys) -> None:
    freeze(place / "photos", place / "cold" / "val", max_size=64)
    words = ["--data", "photos", "--general", "cold/val", "--controls", "--no-pictures", "-o", "out"]
    assert evaluate("base.pth", "tuned.pth", *words) == 0
    assert "base + back-projection 1.0" in capsys.readouterr().out
    general = read_proof(place / "out" / "general")
    assert general.title == "cold/val" and general.set_hash
    assert {one.against for one in read_proof(place / "out").judgements} >= {"base", "bicubic", "base + USM"}


def test_real_pairs_and_pictures_without_a_truth(place) -> None:
    for number in range(2):
        write_blocks(place / "small" / f"{number}.png", seed=number, width=24, height=16)
        write_blocks(place / "large" / f"{number}.png", seed=number, width=96, height=64)
    assert evaluate("base.pth", "tuned.pth", "--lq", "small", "--gt", "large", "-o", "pairs") == 0
    assert read_proof(place / "pairs").title == "small and large"
    assert run(cli, ["evaluate", "base.pth", "--lq", "small", "-o", "alone", *FAST[:4], "--metrics", "niqe"]) == 0
    assert read_proof(place / "alone").notes[0].startswith("NIQE is not defined for 2 of 2 pictures (")


def test_pictures_of_another_size_are_left_out_with_exit_code_3(place, capsys) -> None:
    for number in range(3):
        write_blocks(place / "small" / f"{number}.png", seed=number, width=24, height=16)
        write_blocks(place / "large" / f"{number}.png", seed=number, width=96 - 8 * (number == 1), height=64)
    assert evaluate("base.pth", "tuned.pth", "--lq", "small", "--gt", "large") == 3
    assert "1 picture not scored: Expected large/1.png to be at least 4 times" in capsys.readouterr().out


def test_truths_of_a_wrong_folder_are_one_sentence_and_leave_no_folder(place, capsys) -> None:
    write_blocks(place / "small" / "0.png", seed=0, width=24, height=16)
    assert evaluate("base.pth", "tuned.pth", "--lq", "small", "--gt", "small", "-o", "out") == 2
    told = capsys.readouterr().err
    assert "is --gt the right folder?" in told and told.count("\n") == 1
    assert not (place / "out").exists()


def test_what_is_asked_of_a_frozen_set_in_vain_stands_in_proof_and_on_the_screen(place, capsys) -> None:
    freeze(place / "photos", place / "cold" / "val", max_size=64)
    words = ["--data", "cold/val", "--max-size", "32", "--max-images", "2", "--no-pictures", "-o", "out"]
    assert evaluate("base.pth", "tuned.pth", *words) == 0
    notes = read_proof(place / "out").notes
    assert "--max-size has no effect" in notes[0] and "2 of 4 pictures of frozen" in notes[1]
    told = capsys.readouterr().out
    assert all(f"note: {note}" in told for note in notes[:2])


@pytest.mark.parametrize("verb", ["evaluate", "sweep", "probe", "report", "test"])
def test_the_help_lists_the_exit_codes(verb, capsys) -> None:
    with pytest.raises(SystemExit):
        cli([verb, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "exit codes: 0 " in said and "5 no room on the disk" in said
    assert ("no picture found" in said) == (verb not in ("probe", "report"))


@pytest.fixture
def heard_signals() -> Iterator[None]:
    """Signals are heard as in a new process: not as in the background of a script, or after what other tests left."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    bell = signal.set_wakeup_fd(-1)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.set_wakeup_fd(bell)


@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_one_sentence_that_says_how_to_go_on_and_the_same_command_does(
    place, capsys, monkeypatch, number, code
) -> None:
    score = scoring_run.score_outputs
    scored = []

    def be_signalled(pair, *given):
        if len(scored) == 1:
            signal.raise_signal(number)
        scored.append(pair.name)
        return score(pair, *given)

    monkeypatch.setattr(scoring_run, "score_outputs", be_signalled)
    words = ["evaluate", "base.pth", "tuned.pth", "--data", "photos", *FAST]
    assert run(cli, words) == code
    assert capsys.readouterr().err.endswith("interrupted; what is scored is kept: the same command goes on\n")
    monkeypatch.setattr(
        scoring_run, "score_outputs", lambda pair, *given: scored.append(pair.name) or score(pair, *given)
    )
    assert run(cli, words) == 0
    assert len(scored) == len(set(scored)) > 1


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "base.pth", "tuned.pth", "--data", "empty", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--data", "photos", "--general", "empty", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--lq", "photos", "--gt", "empty", *FAST],
        ["evaluate", "base.pth", "--lq", "empty", "--device", "cpu", "--backend", "torch"],
        ["sweep", "base.pth", "tuned.pth", "--data", "empty", "--device", "cpu"],
    ],
)
def test_a_folder_without_a_picture_is_one_sentence_and_exit_code_4(place, capsys, words) -> None:
    (place / "empty").mkdir()
    assert run(cli, words) == 4
    told = capsys.readouterr().err
    assert told.startswith("error: No image found in empty or below it") and told.count("\n") == 1


def test_the_same_weights_cannot_be_told_apart(place, capsys) -> None:
    assert evaluate("base.pth", "base.pth", "--data", "photos") == 0
    assert "cannot be told" in capsys.readouterr().out.splitlines()[0]


def test_a_table_of_groups_and_luma(place) -> None:
    (place / "rooms.csv").write_text("path,tags\nvilla 0/0.png,interior\nvilla 1/1.png,exterior\n")
    words = ["--data", "photos", "--groups", "rooms.csv", "--y", "--border", "2", "-o", "out"]
    assert evaluate("base.pth", "tuned.pth", *words) == 0
    proof = read_proof(place / "out")
    assert set(proof.groups["rooms"]) == {"interior", "exterior"}
    assert (proof.y_channel, proof.border) == (True, 2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["base.pth"], "one set to score on, got none; name it with --data, or with --lq"),
        (["base.pth", "--data", "photos", "--lq", "photos"], "one set to score on, got both --data and --lq; keep one"),
        (["base.pth", "--data", "photos", "--gt", "photos"], "expected --gt beside --lq"),
        (["base.pth", "--data", "nowhere"], "nowhere does not exist"),
        (["nowhere.pth", "--data", "photos"], "nowhere.pth"),
        (["base.pth", "x2.pth", "--data", "photos"], "expected weights of one scale, got base.pth x4, x2.pth x2"),
        (["base.pth", "--lq", "photos"], "needs no ground truth for photos"),
        (["base.pth", "--data", "photos", "--groups", "tags"], "groups that photos has"),
    ],
)
def test_bad_input_is_one_sentence(place, capsys, words, sentence) -> None:
    save(place / "x2.pth", RRDBNetSpec(scale=2, num_feat=8, num_block=1, num_grow_ch=4), 0)
    assert evaluate(*words) == 2
    told = capsys.readouterr().err
    assert sentence in told and "Traceback" not in told


def test_an_unknown_metric_is_one_sentence(place, capsys) -> None:
    assert run(cli, ["evaluate", "base.pth", "--data", "photos", "--metrics", "beauty"]) == 2
    assert "expected metrics out of psnr, " in capsys.readouterr().err


def test_a_metric_that_this_machine_lacks_is_one_sentence_and_the_others_go_on(place, capsys) -> None:
    words = ["base.pth", "--data", "photos", "-o", "out", *FAST, "lpips_like"]
    assert run(cli, ["evaluate", *words]) == 0
    assert any("lpips_like is left out" in note for note in read_proof(place / "out").notes)
    assert run(cli, ["evaluate", *words[:5], "--device", "cpu", "--metrics", "lpips_like"]) == 2
    assert "metric that can be measured on this machine, got none" in capsys.readouterr().err


def test_names_that_are_no_text_are_scored_and_told(place, capsys) -> None:
    folder = place / "fa\udce7ades"
    (place / "photos").rename(folder)
    (folder / "villa 0" / "0.png").rename(folder / "villa 0" / "fa\udce7ade.png")
    write_blocks(folder / "villa 1" / "tiny\udce7.png", seed=0, width=8, height=8)
    assert evaluate("base.pth", "tuned.pth", "--data", str(folder), "-o", "out") == 3
    told = capsys.readouterr().out
    assert r"fa\udce7ades" in told and r"tiny\udce7.png" in told
    assert b"fa\xe7ade.png" in (place / "out" / "scores.csv").read_bytes()
    assert read_proof(place / "out").pictures == 4


def test_a_lone_model_is_judged_in_groups_against_bicubic(place) -> None:
    (place / "rooms.csv").write_text("path,tags\nvilla 0/0.png,interior\nvilla 1/1.png,exterior\n")
    assert evaluate("base.pth", "--data", "photos", "--groups", "rooms.csv", "-o", "out") == 0
    judgement = read_proof(place / "out").groups["rooms"]["interior"]
    assert (judgement.method, judgement.against) == ("model", "bicubic")


def test_the_checkpoints_of_two_runs_have_folders_of_their_own(place) -> None:
    for run_name, seed in (("a", 1), ("b", 2)):
        folder = place / "experiments" / run_name / "models"
        folder.mkdir(parents=True)
        save(folder / "net_g_latest.pth", CompactSpec(num_feat=8, num_conv=2), seed)
        assert evaluate("base.pth", str(folder / "net_g_latest.pth"), "--data", "photos", "--no-pictures") == 0
    assert {path.name for path in (place / "results").iterdir()} == {
        "a_net_g_latest_photos",
        "b_net_g_latest_photos",
    }


def test_letters_of_all_scripts_stay_in_the_name(place) -> None:
    (place / "tuned.pth").rename(place / "Häuser.pth")
    assert evaluate("Häuser.pth", "--data", "photos", "--no-pictures") == 0
    assert (place / "results" / "Häuser_photos" / "proof.json").is_file()


def test_results_of_other_weights_are_not_replaced(place, capsys) -> None:
    words = ["--data", "photos", "--general", "photos", "--no-pictures", "-o", "out"]
    assert evaluate("base.pth", "tuned.pth", *words) == 0
    save(place / "other.pth", CompactSpec(num_feat=8, num_conv=2), 9)
    assert evaluate("base.pth", "other.pth", *words) == 2
    assert "results of other weights or pictures, got out with those of photos" in capsys.readouterr().err
    assert evaluate("base.pth", "tuned.pth", *words, "--border", "2") == 0, "other rules are no other results"


def test_a_proof_tells_no_path_of_the_machine(place) -> None:
    (place / "photos" / "villa 0" / "0.png").write_bytes(b"broken")
    words = [
        str(place / "base.pth"),
        str(place / "tuned.pth"),
        "--data",
        str(place / "photos"),
        f"--output={place}/out",
    ]
    assert evaluate(*words) == 3
    proof = read_proof(place / "out")
    assert str(place) not in (place / "out" / "proof.json").read_text()
    assert proof.facts["command"].startswith("realesrgan-arch evaluate base.pth tuned.pth --data photos --output=out")
    assert [one.source for one in proof.methods[-2:]] == ["base.pth", "tuned.pth"]


def test_controls_of_a_lone_model_have_its_name(place) -> None:
    assert evaluate("base.pth", "--data", "photos", "--controls", "--no-pictures", "-o", "out") == 0
    names = [one.name for one in read_proof(place / "out").methods]
    assert "model + USM" in names and "base + USM" not in names


def test_pictures_of_the_training_are_no_proof_and_that_is_said_first_everywhere(place, capsys) -> None:
    run_folder = place / "experiments" / "tiny"
    (run_folder / "models").mkdir(parents=True)
    weights = (place / "tuned.pth").rename(run_folder / "models" / "net_g_latest.pth")
    options = tiny_options(place / "photos" / "villa 0", place)
    (run_folder / "options.yml").write_text(yaml.safe_dump(options))
    words = ["base.pth", str(weights), "--data", "photos", "-o", "out"]
    assert evaluate(*words) == 0
    first, second, *others = capsys.readouterr().out.splitlines()
    said = "2 of 4 pictures are ones that tiny was trained on"
    assert first.startswith(f"No proof: {said}") and second.startswith("On these pictures alone: ")
    assert next(line for line in others if line.startswith("note: ")).startswith(f"note: {said}")
    proof = read_proof(place / "out")
    assert proof.notes[0] == proof.warning and proof.warning.startswith(said)
    assert (place / "out" / "table.txt").read_text().startswith(first)
    assert run(cli, ["report", "out"]) == 0
    assert capsys.readouterr().out.startswith("No proof: a model was trained on these pictures.\n")
    assert 'headline bad">No proof' in (place / "out" / "report.html").read_text()
    assert "**No proof: a model was trained on these pictures.**" in (place / "out" / "report.md").read_text()
    sweep = ["sweep", "base.pth", str(weights), "--data", "photos", "--alphas", "1", "--metrics", "psnr", "-o", "swept"]
    run(cli, [*sweep, "--device", "cpu", "--no-export"])
    assert json.loads((place / "swept" / "sweep.json").read_text())["notes"][0].startswith(said)


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "base.pth", "tuned.pth", "--data", "photos", "-o", "photos", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--data", "photos", "-o", "photos/new/results", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--data", "photos", "-o", "link/results", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--data", ".", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--lq", "small", "--gt", "large", "-o", "small", *FAST],
        ["evaluate", "base.pth", "tuned.pth", "--lq", "small", "--gt", "large", "-o", "large", *FAST],
        ["evaluate", "base.pth", "--lq", "small", "-o", "small", *FAST[:4], "--metrics", "niqe"],
        ["evaluate", "base.pth", "tuned.pth", "--data", "photos", "--general", "large", "-o", "large/out", *FAST],
        ["sweep", "base.pth", "tuned.pth", "--data", "photos", "-o", "photos/out", *FAST[:2], *FAST[4:]],
    ],
)
def test_results_among_the_pictures_that_are_read_are_refused_and_nothing_is_written(place, capsys, words) -> None:
    write_blocks(place / "small" / "0.png", seed=0, width=24, height=16)
    write_blocks(place / "large" / "0.png", seed=0, width=96, height=64)
    (place / "link").symlink_to(place / "photos")
    before = {*place.rglob("*")}
    assert run(cli, words) == 2
    told = capsys.readouterr().err
    assert "a folder of results that is not among the pictures, got " in told and told.count("\n") == 1
    assert {*place.rglob("*")} == before


def test_results_may_lie_beside_the_lists_of_a_split(place) -> None:
    assert run(cli, ["data", "split", "photos", "--out", "data_split/villas", "--test", "0.5", "--val", "0"]) == 0
    for _ in range(2):
        assert evaluate("base.pth", "--data", "data_split/villas/test", "-o", "data_split/villas/test") == 0
