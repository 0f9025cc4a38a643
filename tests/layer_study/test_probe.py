"""A whole probe in small: shared pairs, stages, a stop and a second call, its files, and what is refused."""

import csv
import dataclasses
import errno
import json
import re
import shlex
from pathlib import Path

import pytest
import torch
import yaml

from realesrgan_arch.commands import probe as command
from realesrgan_arch.entry import run as run_verb
from realesrgan_arch.layer_study import pair_tape
from realesrgan_arch.layer_study import probe as probe_module
from realesrgan_arch.layer_study import report as layer_report
from realesrgan_arch.layer_study.candidates import Candidate, StudyError
from realesrgan_arch.layer_study.disk import NoRoomError
from realesrgan_arch.layer_study.pair_tape import PairTape, record_pairs
from realesrgan_arch.layer_study.probe_candidates import auto_labels, read_probe_candidates, settle
from realesrgan_arch.layer_study.short_run import ShortRun, Stages, train_to
from realesrgan_arch.layer_study.study import InterruptedStudy
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, SRResNetSpec
from realesrgan_arch.options.load import load_options, parse_options
from realesrgan_arch.options.types import Options
from realesrgan_arch.session import train
from realesrgan_arch.training.plan import Budget
from realesrgan_arch.training.run_folder import RunFolder
from tests.layer_study.probes import FIRST, SECOND, probe_options, write_probe_options


def _nothing(*words: object) -> None:
    del words


def _weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return torch.load(RunFolder(folder).weights(name, 4), weights_only=True)["params"]


def test_stages_double_and_end_with_all_steps() -> None:
    assert Stages(500, 3).ends == (125, 250, 500)
    assert Stages(2, 3).ends == (1, 2)


def test_a_run_from_the_shared_pairs_is_the_run_of_the_trainer_to_the_last_bit(tmp_path) -> None:
    base = parse_options(probe_options(tmp_path))
    options = ShortRun(FIRST, 3).options(base, Stages(4, 1), tmp_path)
    assert options.pool_size == 4  # pairs of earlier steps come back from the third step on
    record_pairs(options, tmp_path / "tape", tell=_nothing, check_stop=_nothing)
    train_to(options, PairTape(tmp_path / "tape"), until=2, check_stop=_nothing)
    train_to(options, PairTape(tmp_path / "tape"), until=4, check_stop=_nothing)
    ours = _weights(options.run_path, "net_g")
    elsewhere = options.path.model_copy(update={"experiments_root": tmp_path / "elsewhere"})
    outcome = train(options.model_copy(update={"path": elsewhere}))
    theirs = _weights(outcome.run_folder.root, "net_g")
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_pairs_that_are_there_are_not_made_again_and_half_a_tape_does_not_count(tmp_path, monkeypatch) -> None:
    options = ShortRun(FIRST, 0).options(parse_options(probe_options(tmp_path)), Stages(2, 1), tmp_path)

    def stop() -> None:
        raise InterruptedStudy(130)

    with pytest.raises(InterruptedStudy):
        record_pairs(options, tmp_path / "tape", tell=_nothing, check_stop=stop)
    assert not list(tmp_path.glob("*tape*"))
    record_pairs(options, tmp_path / "tape", tell=_nothing, check_stop=_nothing)
    assert PairTape(tmp_path / "tape").batch(2)["gt"].shape == (2, 3, 32, 32)
    record_pairs(options, tmp_path / "tape", tell=_nothing, check_stop=stop)
    monkeypatch.setattr(pair_tape, "free_bytes", lambda place: 1000)
    with pytest.raises(NoRoomError, match=r"expected room for .* of training pairs, got 1 kB; lower --steps"):
        record_pairs(options, tmp_path / "other", tell=_nothing, check_stop=_nothing)


@pytest.mark.parametrize("spec", [RRDBNetSpec(), CompactSpec(), SRResNetSpec()])
def test_auto_has_ends_an_early_layer_windows_and_all(spec) -> None:
    labels = auto_labels(spec)
    assert labels[-1] == "all"
    assert "bias" not in labels
    assert len(set(labels)) == len(labels)
    assert 6 <= len(labels) <= 12
    assert Candidate(("all",)) in read_probe_candidates(["auto", "all"], spec)


def test_what_trains_the_same_or_needs_too_much_is_left_out_with_words(tmp_path) -> None:
    options = parse_options(probe_options(tmp_path))
    candidates = [SECOND, Candidate(("last:1",)), FIRST, Candidate(("all",))]
    found = settle(candidates, options, None)
    assert found.candidates == (SECOND, FIRST, Candidate(("all",)))
    assert found.left_out == ("last:1: trains the same as body.6",)
    most = sorted(cost.peak_bytes for cost in found.costs.values())[-1]
    budget = Budget(most - 1, "tight")
    assert any("more than" in words for words in settle(candidates, options, budget).left_out)
    with pytest.raises(StudyError, match=r"expected two or more different ones to compare, got 0 \("):
        settle(candidates, options, Budget(1, "none"))


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    steps = ["--seeds", "2", "--steps", "2", "--stages", "2", "--crops", "2"]
    names = ["--candidates", "body.2", "last:1"]
    return [str(write_probe_options(tmp_path)), *names, *steps, "-o", str(tmp_path / "p")]


def test_one_command_makes_the_whole_probe_and_a_second_one_trains_nothing(
    tmp_path, arguments, capsys, monkeypatch
) -> None:
    assert run_verb(command.main, [*arguments, "--set", "train.optim_g.lr=2e-3"]) == 0
    said = capsys.readouterr().out
    assert "Spearman" not in said and "fewer than 4 candidates do not tell whether cheap scores rank" in said
    assert "\ncomposite: fidelity and naturalness alike, in points of" in said
    folder = tmp_path / "p"
    assert re.search(r"^2 candidates, 2 seeds, scored after 1(, 2)? steps on \d scenes?; ", said)
    files = {path.name for path in folder.iterdir() if path.is_file()}
    written = {"table.txt", "candidates.csv", "scores.csv", "results.json", "pair.svg", "chosen.yml"}
    assert files == written | {"study.json", "drawn_base.pth"}
    assert not (folder / "pairs").exists()
    found = json.loads((folder / "results.json").read_text())
    chosen = load_options(folder / "chosen.yml").options
    assert chosen.train is not None
    assert ",".join(chosen.train.trainable.network_g) == found["taken"]
    assert chosen.train.optim_g.lr == 2e-3
    rows = list(csv.DictReader((folder / "scores.csv").open()))
    runs = {(row["candidate"], row["steps"], row["seed"]) for row in rows}
    assert {("base", "0", ""), ("body.2", "1", "0"), ("last:1", "1", "1")} <= runs
    monkeypatch.setattr(probe_module, "train_to", None)
    monkeypatch.setattr(probe_module, "score_tensors", None)
    assert run_verb(command.main, [*arguments, "--set", "train.optim_g.lr=2e-3"]) == 0
    assert capsys.readouterr().out == said


def _recomputing_blocks(tmp_path: Path) -> str:
    mapping = probe_options(tmp_path)
    mapping["network_g"] = {"type": "RRDBNet", "num_feat": 8, "num_block": 2, "num_grow_ch": 8}
    path = tmp_path / "rrdb.yml"
    path.write_text(yaml.safe_dump(mapping))
    return str(path)


def _note_ways(monkeypatch: pytest.MonkeyPatch, name: str) -> list[bool]:
    """Return what will hold, for each call of `name`, whether its run recomputes."""
    ways, whole = [], getattr(probe_module, name)

    def note(options: Options, *given: object, **named: object) -> object:
        ways.append(options.network_g.checkpointing)  # pyright: ignore
        return whole(options, *given, **named)

    monkeypatch.setattr(probe_module, name, note)
    return ways


def test_a_network_that_can_recompute_is_timed_both_ways_and_what_trained_everything_has_a_path(
    tmp_path, capsys, monkeypatch
) -> None:
    trained, timed = _note_ways(monkeypatch, "train_to"), _note_ways(monkeypatch, "time_step")
    names = ["--candidates", "conv_last", "random:2", "all", "--seeds", "1", "--steps", "4", "--stages", "1"]
    given = [_recomputing_blocks(tmp_path), *names, "--crops", "2", "-o", str(tmp_path / "p")]
    assert run_verb(command.main, given) == 0
    said = capsys.readouterr().out
    assert "  with checkpointing  " in said
    assert "FAIG is the share of what training everything for 4 steps changed" in said
    found = {one["candidate"]: one for one in json.loads((tmp_path / "p/results.json").read_text())["candidates"]}
    assert (trained, timed) == ([False] * 3, [True] * 3)
    assert all(one["checkpointed_step_s"] > 0 for one in found.values())
    assert found["all"]["checkpointed"]["peak_bytes"] < found["all"]["peak_bytes"]
    assert found["all"]["cheap"]["faig_fidelity"] == pytest.approx(1)
    assert 0 < found["conv_last"]["cheap"]["faig_perception"] < 1
    assert len(found["random:2"]["patterns"]) == 2


def test_what_fits_with_checkpointing_alone_is_trained_and_chosen_with_it_and_scores_alike(
    tmp_path, capsys, monkeypatch
) -> None:
    names = ["--candidates", "conv_last", "all", "--seeds", "1", "--steps", "2", "--stages", "1", "--crops", "1"]
    given = [_recomputing_blocks(tmp_path), *names]
    assert run_verb(command.main, [*given, "-o", str(tmp_path / "p")]) == 0
    peak = json.loads((tmp_path / "p/results.json").read_text())["candidates"][1]["peak_bytes"]
    decide = probe_module.decide

    def take_the_last(*given: object) -> object:
        return dataclasses.replace(decide(*given), taken=Candidate(("all",)))  # pyright: ignore

    monkeypatch.setattr(probe_module, "decide", take_the_last)
    trained, timed = _note_ways(monkeypatch, "train_to"), _note_ways(monkeypatch, "time_step")
    assert run_verb(command.main, [*given, "--memory", f"{(peak - 1) / 1e6:.6f}MB", "-o", str(tmp_path / "q")]) == 0
    assert (trained, timed) == ([False, True], [True])
    assert "(checkpointing)" in capsys.readouterr().out
    assert (tmp_path / "q/scores.csv").read_text() == (tmp_path / "p/scores.csv").read_text()
    for folder, is_on in (("p", False), ("q", True)):
        options = load_options(tmp_path / folder / "chosen.yml").options
        assert getattr(options.network_g, "checkpointing", None) is is_on


def test_the_next_step_can_be_pasted_whatever_the_folder_is_called(tmp_path, arguments, capsys) -> None:
    folder = tmp_path / "my probe's"
    assert run_verb(command.main, [*arguments[:-1], str(folder)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "train.py -opt" in line)
    assert shlex.split(line[line.index("python ") :])[-1] == str(folder / "chosen.yml")


def test_only_the_candidate_moves_and_seeds_differ(tmp_path, arguments) -> None:
    assert run_verb(command.main, arguments) == 0
    states = {}
    for path in sorted((tmp_path / "p/runs").glob("*/models/net_g_*.pth")):
        states[path.parents[1].name] = torch.load(path, weights_only=True)["params"]
    one, other = states["body.2_seed0"], states["body.2_seed1"]
    assert {name.rpartition(".")[0] for name in one if not torch.equal(one[name], other[name])} == {"body.2"}


def test_a_probe_that_was_stopped_goes_on_and_ends_as_an_undisturbed_one(
    tmp_path, arguments, capsys, monkeypatch
) -> None:
    calls = []
    check = probe_module._Stop.check

    def stop_at_the_ninth(self: probe_module._Stop) -> None:
        calls.append(0)
        if len(calls) == 9:
            self.number = 15
        check(self)

    monkeypatch.setattr(probe_module._Stop, "check", stop_at_the_ninth)
    assert run_verb(command.main, arguments) == 143
    assert run_verb(command.main, arguments) == 0
    resumed = (tmp_path / "p/scores.csv").read_text()
    capsys.readouterr()
    assert run_verb(command.main, [*arguments[:-1], str(tmp_path / "q")]) == 0
    assert (tmp_path / "q/scores.csv").read_text() == resumed


@pytest.mark.parametrize(("extra", "words"), [
    (["--candidates", "body.2"], "--candidates: expected two or more different ones to compare, got 1"),
    (["--candidates", "body.2", "body.77"], "expected a layer of the network, got 'body.77', which matches nothing"),
    (["--memory", "1kB"], "more than 1 kB"),
    (["--set", "val.metrics.niqe=null"], "judges psnr and niqe as a pair; add niqe: {type: calculate_niqe"),
])  # fmt: skip
def test_bad_arguments_are_one_sentence_and_exit_code_2(tmp_path, arguments, capsys, extra, words) -> None:
    assert run_verb(command.main, [*arguments, *extra]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "p/runs").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_where_the_folder_should_be_is_one_sentence_and_exit_code_2(tmp_path, arguments, capsys, place) -> None:
    (tmp_path / "file").write_text("mine")
    assert run_verb(command.main, [*arguments[:-1], str(tmp_path / place)]) == 2
    words = f"error: expected a folder that can be written to, got {tmp_path / place} ("
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(words)
    assert last.endswith("choose another with --out")


def test_a_lock_that_cannot_be_written_is_one_sentence(tmp_path, arguments, capsys) -> None:
    (tmp_path / "p/.probe.lock").mkdir(parents=True)
    assert run_verb(command.main, arguments) == 2
    assert ".probe.lock cannot be locked (Is a directory); choose another --out" in capsys.readouterr().err


def test_a_disk_that_fills_while_results_are_written_ends_with_5_and_the_same_command_goes_on(
    tmp_path, arguments, capsys, monkeypatch
) -> None:
    def refuse(path: Path, text: str) -> None:
        del path, text
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(layer_report, "write_text", refuse)
    assert run_verb(command.main, arguments) == 5
    assert "p cannot be written: the disk is full; make room and run again" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(probe_module, "train_to", None)
    assert run_verb(command.main, arguments) == 0


def test_other_settings_in_the_same_folder_are_refused(tmp_path, arguments, capsys) -> None:
    assert run_verb(command.main, arguments) == 0
    assert run_verb(command.main, [*arguments, "--steps", "3"]) == 2
    assert "other settings (protocol.probe.steps)" in capsys.readouterr().err
