"""`realesrgan-arch report`: finds the results of a run, writes the page, says where it is."""

import json
import os
from pathlib import Path
from typing import Literal

import pytest
import torch

from realesrgan_arch.cli import main
from realesrgan_arch.commands.run_report import FolderError
from realesrgan_arch.entry import run
from realesrgan_arch.evaluation.proof import MethodFacts, ProofError, write_proof
from realesrgan_arch.evaluation.report import ReportError
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec
from tests.evaluation.proof_builders import proof, shown_picture
from tests.evaluation.trial_records import write_probe, write_sweep

KINDS: tuple[Literal["base", "tuned"], ...] = ("base", "tuned")


def make_results(folder: Path, title: str = "Unseen houses") -> None:
    """Write a proof with one picture."""
    folder.mkdir(parents=True)
    write_proof(proof(shown=(shown_picture(folder, "house", "worst"),), title=title), folder)


def make_run(folder: Path) -> None:
    """Write what makes a folder that of a training."""
    folder.mkdir(parents=True)
    (folder / "options.yml").write_text("name: houses\nscale: 4\n", encoding="utf-8")
    (folder / "metrics.jsonl").write_text(
        '{"kind": "validation", "step": 0, "set": "v", "psnr": 20}\n', encoding="utf-8"
    )


@pytest.mark.parametrize("results", ["results/houses", "results/houses/test", "results"])
def test_the_results_of_a_run_are_found_and_the_verdict_is_said_first(in_tmp_path, capsys, results):
    make_run(Path("experiments/houses"))
    make_results(Path(results))
    assert main(["report", "experiments/houses"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A trade: better in PSNR, worse in NIQE."
    assert lines[-1] == "wrote experiments/houses/report.html, experiments/houses/report.md"
    assert "Unseen houses" in Path("experiments/houses/report.html").read_text(encoding="utf-8")


def test_the_results_of_another_run_are_not_taken(in_tmp_path):
    make_run(Path("experiments/houses"))
    make_results(Path("results/barns"))
    expected = r"evaluate BASE experiments/houses/models/net_g_latest\.pth --data DATA --name houses`"
    with pytest.raises(ReportError, match=expected):
        main(["report", "experiments/houses"])
    assert not Path("experiments/houses/report.html").exists()


def test_a_run_that_is_where_one_stands_has_its_name_all_the_same(in_tmp_path, monkeypatch):
    make_run(Path("experiments/houses"))
    make_results(Path("results/barns"))
    monkeypatch.chdir("experiments/houses")
    with pytest.raises(ReportError, match="--name houses`"):
        main(["report", "."])


def test_results_of_a_guided_run_are_those_of_its_training(in_tmp_path, capsys):
    make_run(Path("mine/experiments/houses"))
    make_results(Path("mine/results/test"))
    Path("mine/guided.json").write_text("{}", encoding="utf-8")
    assert main(["report", "mine/experiments/houses"]) == 0
    assert "Unseen houses" in Path("mine/experiments/houses/report.html").read_text(encoding="utf-8")


def test_results_of_any_name_belong_to_the_run_whose_weights_they_judge_and_the_newest_count(in_tmp_path, caplog):
    make_run(Path("experiments/houses"))
    Path("experiments/houses/models").mkdir()
    weights = Path("experiments/houses/models/net_g_30.pth")
    weights.write_bytes(b"tuned")
    make_results(Path("results/barns"), title="Barns")
    Path("results/third").mkdir()
    judged = proof(title="Judged", methods=(MethodFacts("tuned", "tuned", "tuned.pth", hash_file(weights)),))
    write_proof(judged, Path("results/third"))
    assert main(["report", "experiments/houses"]) == 0
    assert "Judged" in Path("experiments/houses/report.html").read_text(encoding="utf-8")
    Path("results/fourth").mkdir()
    write_proof(judged, Path("results/fourth"))
    os.utime("results/third/proof.json", (1, 1))
    assert main(["report", "experiments/houses"]) == 0
    assert "the newest results of experiments/houses are taken: results/fourth; for others" in caplog.text
    assert caplog.text.rstrip().endswith("--results: results/third")
    make_results(Path("results/houses"), title="By name")
    os.utime("results/houses/proof.json", (2, 2))
    assert main(["report", "experiments/houses"]) == 0
    assert caplog.text.rstrip().endswith(
        "are taken: results/fourth; for others name their folder with --results: results/houses, results/third"
    )
    os.utime("results/houses/proof.json")
    assert main(["report", "experiments/houses"]) == 0
    assert "By name" in Path("experiments/houses/report.html").read_text(encoding="utf-8")


def test_results_alone_make_a_page_too(in_tmp_path, capsys):
    make_results(Path("results/houses"))
    assert main(["report", "results/houses", "-o", "send.html", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["made"] == ["send.html", "send.md"]
    assert facts["bytes"] == Path("send.html").stat().st_size


@pytest.mark.parametrize(
    ("own", "general"),
    [
        ("results/houses", "results/houses/general"),
        ("results/houses/test", "results/houses/general"),
        ("results/houses/test", "results/houses/test/general"),
    ],
)
def test_the_general_set_is_shown_beside_and_not_taken_for_the_set_that_matters(in_tmp_path, capsys, own, general):
    make_results(Path(own))
    make_results(Path(general), title="Everything else")
    assert main(["report", "results/houses"]) == 0
    page = Path("results/houses/report.html").read_text(encoding="utf-8")
    assert page.index("Unseen houses") < page.index("General photographs")


def test_results_of_weights_that_are_in_no_run_have_the_layers_of_those_that_are_named(in_tmp_path, capsys):
    state = build_generator(CompactSpec(num_feat=8, num_conv=2)).state_dict()
    last = [*state][-1]
    Path("kept").mkdir()
    for name, by in (("base", 0), ("tuned", 1)):
        torch.save({"params": {**state, last: state[last] + by}}, f"kept/{name}.pth")
    methods = tuple(MethodFacts(kind, kind, f"{kind}.pth", hash_file(Path(f"kept/{kind}.pth"))) for kind in KINDS)
    Path("results/houses").mkdir(parents=True)
    write_proof(proof(methods=methods), Path("results/houses"))
    layer, page = last.rpartition(".")[0], Path("results/houses/report.html")
    assert main(["report", "results/houses"]) == 0
    assert f">{layer}<" not in page.read_text(encoding="utf-8") and "--weights" in page.read_text(encoding="utf-8")
    assert main(["report", "results/houses", "--weights", "kept/base.pth", "kept/tuned.pth"]) == 0
    assert f">{layer}<" in page.read_text(encoding="utf-8")


def test_named_weights_that_are_absent_or_not_those_that_were_judged_are_refused(in_tmp_path, capsys):
    make_results(Path("results"))
    for name, text in (("other.pth", "weights of another model"), ("page.pth", "<html>")):
        Path(name).write_text(text, encoding="utf-8")
        assert run(main, ["report", "results", "--weights", name]) == 2
        words = f"error: --weights: expected the base or the tuned model that was judged, got {name}, "
        assert capsys.readouterr().err.startswith(words)
    assert run(main, ["report", "results", "--weights", "nowhere.pth"]) == 2
    assert not Path("results/report.html").exists()


def test_what_the_page_lacks_is_said_on_the_terminal_too(in_tmp_path, capsys):
    make_run(Path("experiments/houses"))
    make_results(Path("results/houses"))
    for picture in Path("results/houses").rglob("*.png"):
        picture.unlink()
    assert main(["report", "experiments/houses"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "note: None of the weights in houses are those that were judged, so its step is not known."
    assert any(line.startswith("note: A picture is not shown: ") for line in said)
    assert said[5:] == [f"note: {said[5].split()[1]} more of these stand in the page"]


def test_named_results_go_before_those_that_would_be_found(in_tmp_path, capsys):
    make_run(Path("experiments/houses"))
    make_results(Path("results/houses"))
    make_results(Path("other"), title="Another set")
    main(["report", "experiments/houses", "--results", "other"])
    assert "Another set" in Path("experiments/houses/report.html").read_text(encoding="utf-8")


def test_named_results_of_other_weights_are_refused_unless_the_weights_are_named(in_tmp_path, capsys):
    make_run(Path("experiments/houses"))
    Path("experiments/houses/models").mkdir()
    Path("experiments/houses/models/net_g_30.pth").write_bytes(b"of houses")
    for name in ("base", "barns"):
        Path(f"{name}.pth").write_bytes(name.encode())
    methods = (
        MethodFacts("base", "base", "base.pth", hash_file(Path("base.pth"))),
        MethodFacts("tuned", "tuned", "barns.pth", hash_file(Path("barns.pth"))),
    )
    Path("results/barns").mkdir(parents=True)
    write_proof(proof(methods=methods), Path("results/barns"))
    words = ["report", "experiments/houses", "--results", "results/barns"]
    with pytest.raises(ReportError, match="got those of a barns.pth that is none of experiments/houses/models; "):
        main(words)
    assert not Path("experiments/houses/report.html").exists()
    with pytest.raises(ReportError):
        main([*words, "--weights", "base.pth"])
    assert main([*words, "--weights", "barns.pth"]) == 0
    Path("barns.pth").rename("experiments/houses/models/net_g_latest.pth")
    assert main(words) == 0


def test_a_run_whose_weights_were_cleared_away_keeps_the_results_that_are_named(in_tmp_path):
    make_run(Path("experiments/houses"))
    make_results(Path("results/barns"))
    assert main(["report", "experiments/houses", "--results", "results/barns"]) == 0


def test_a_probe_in_the_run_and_a_named_sweep_are_shown(in_tmp_path, capsys):
    make_run(Path("experiments/houses"))
    make_results(Path("results/houses"))
    write_probe(Path("experiments/houses/probe"))
    write_sweep(Path("elsewhere"))
    assert main(["report", "experiments/houses", "--sweep", "elsewhere"]) == 0
    for name in ("report.html", "report.md"):
        text = Path("experiments/houses", name).read_text(encoding="utf-8")
        assert text.index("Layers that were tried") < text.index("Blends that were tried")


def test_a_run_that_was_never_evaluated_is_told_how(in_tmp_path):
    make_run(Path("experiments/houses"))
    with pytest.raises(ReportError, match=r"found none; make them with `realesrgan-arch evaluate"):
        main(["report", "experiments/houses"])


def test_of_several_sets_one_must_be_named(in_tmp_path):
    make_results(Path("results/houses/a"))
    make_results(Path("results/houses/b"))
    with pytest.raises(ReportError, match="several: a, b; name one"):
        main(["report", "results/houses"])


@pytest.mark.parametrize("text", ["{", '{"format": 99}', "{}"])
def test_a_damaged_record_is_one_sentence(in_tmp_path, text):
    Path("results").mkdir()
    Path("results/proof.json").write_text(text, encoding="utf-8")
    with pytest.raises(ProofError, match="evaluate the models again"):
        main(["report", "results"])


def test_no_folder_and_a_name_that_is_no_page_are_refused(in_tmp_path, capsys):
    with pytest.raises(FolderError, match="found no folder nowhere"):
        main(["report", "nowhere"])
    make_results(Path("results"))
    with pytest.raises(SystemExit):
        main(["report", "results", "-o", "page.pdf"])
    assert "ends in .html" in capsys.readouterr().err
