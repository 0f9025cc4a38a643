"""A whole study in small: every stage, a stop and a second call, and what is refused before the first step."""

import importlib.util
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from realesrgan_arch import session
from realesrgan_arch.data.manifest import read_manifest
from realesrgan_arch.entry import run as run_verb
from realesrgan_arch.errors import UserError
from realesrgan_arch.layer_study import study
from realesrgan_arch.layer_study.protocol import Protocol
from realesrgan_arch.layer_study.report import table
from realesrgan_arch.layer_study.study import InterruptedStudy, Plan, run_study
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.stopping import StoppedBySignal
from tests.layer_study.studies import EARLY, LAST, small_options, write_small_options

ROOT = Path(__file__).parents[2]
SMALL = Protocol(probe_steps=2, continue_steps=1, last_steps=2, last_lr=1e-4, subset=3)
PROBES = ["probe_body.2_seed0", "probe_body.6_seed0", "probe_body.2_seed1", "probe_body.6_seed1"]


@pytest.fixture
def plan(tmp_path) -> Plan:
    return Plan(parse_options(small_options(tmp_path)), (EARLY, LAST), (0, 1), SMALL, tmp_path / "study", "first")


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """The names of the runs that are trained, in their order."""
    names: list[str] = []

    def train(options, **arguments):
        names.append(options.name)
        return session.train(options, **arguments)

    monkeypatch.setattr(study, "train", train)
    return names


def _hear(lines: list[str]):
    return lines.append


def test_each_candidate_trains_alone_with_each_seed_and_the_chosen_one_goes_on(plan, trained) -> None:
    findings = run_study(plan, tell=lambda line: None)
    slug = findings.choice.candidate.slug
    assert trained == [*PROBES, f"continue_{slug}_seed0", f"last_{slug}_seed0"]
    base = torch.load(plan.folder / f"runs/{PROBES[1]}/models/net_g_latest.pth", weights_only=True)["params"]
    for name, tensors in (("probe_body.2_seed0", "body.2."), ("probe_body.2_seed1", "body.2.")):
        tuned = torch.load(plan.folder / f"runs/{name}/models/net_g_latest.pth", weights_only=True)["params"]
        if name.endswith("seed0"):
            moved = {key for key in tuned if not torch.equal(tuned[key], base[key])}
            assert {key.rpartition(".")[0] + "." for key in moved} == {tensors, "body.6."}
    assert len(read_manifest(plan.folder / "subset.csv")) == 3 == findings.pictures
    assert all(run.stage in ("probe", "continue", "last") for run in findings.evidence.runs)
    found = findings.differences[0].metrics["psnr"]
    assert sorted(found.by_seed) == [0, 1] and found.interval.scenes == 3
    assert all(findings.step_s[candidate] > 0 for candidate in plan.candidates)


def test_a_second_call_trains_nothing_and_says_the_same(plan, trained) -> None:
    first = table(run_study(plan, tell=lambda line: None), plan)
    count = len(trained)
    lines: list[str] = []
    assert table(run_study(plan, tell=_hear(lines)), plan) == first
    assert len(trained) == count
    assert "run 1 of 4: probe_body.2_seed0 is there already" in lines


def test_a_study_that_was_stopped_goes_on_where_it_was_and_ends_as_an_undisturbed_one(plan, monkeypatch) -> None:
    calls = []

    def train(options, **arguments):
        calls.append(options.name)
        outcome = session.train(options, **arguments)
        if len(calls) == 2:
            raise StoppedBySignal(2, signal.SIGTERM)
        return outcome

    monkeypatch.setattr(study, "train", train)
    with pytest.raises(InterruptedStudy, match="give the same command again") as stopped:
        run_study(plan, tell=lambda line: None)
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    resumed = run_study(plan, tell=lambda line: None)
    assert calls[:4] == [*PROBES[:2], *PROBES[1:3]]
    undisturbed = run_study(replace(plan, folder=plan.folder.with_name("other")), tell=lambda line: None)
    assert resumed.evidence == undisturbed.evidence


def test_more_seeds_join_a_study_and_other_steps_are_refused(plan, trained) -> None:
    run_study(replace(plan, finish="none"), tell=lambda line: None)
    more = replace(plan, seeds=(0, 1, 4), finish="none")
    assert sorted(run_study(more, tell=lambda line: None).differences[0].metrics["psnr"].by_seed) == [0, 1, 4]
    assert trained == [*PROBES, "probe_body.2_seed4", "probe_body.6_seed4"]
    longer = replace(plan, protocol=replace(SMALL, probe_steps=3))
    with pytest.raises(UserError, match=r"other settings \(protocol.probe_steps\)"):
        run_study(longer, tell=lambda line: None)


@pytest.mark.parametrize(("change", "words"), [
    (lambda m: m["datasets"]["train"].pop("manifest"), "draws its subset from the manifest of a split, got none"),
    (lambda m: m["datasets"].pop("val"), "needs a validation set, which chooses the layer; got none"),
    (lambda m: m["val"]["metrics"].update(psnr={"type": "calculate_ssim"}), "a study chooses by PSNR"),
])  # fmt: skip
def test_options_without_what_a_study_needs_are_one_sentence_before_any_step(tmp_path, trained, change, words) -> None:
    mapping = small_options(tmp_path)
    change(mapping)
    plan = Plan(parse_options(mapping), (EARLY, LAST), (0,), SMALL, tmp_path / "study")
    with pytest.raises(UserError, match=words):
        run_study(plan, tell=lambda line: None)
    assert trained == []


def _script():
    spec = importlib.util.spec_from_file_location("layer_study_script", ROOT / "scripts/layer_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_command_makes_the_study_and_says_where_it_is(tmp_path, capsys) -> None:
    arguments = ["-opt", str(write_small_options(tmp_path)), "--scale", "0.0003", "--seeds", "0", "1", "-o",
                 str(tmp_path / "s"), "--finish", "none"]  # fmt: skip
    assert run_verb(_script().main, arguments) == 0
    said = capsys.readouterr().out
    assert "2 candidates, each alone for 1 step on 2 pictures with 2 seeds; scale 0.0003" in said
    assert "chosen   body." in said
    assert json.loads((tmp_path / "s/results.json").read_text())["seeds"] == [0, 1]


@pytest.mark.parametrize(("extra", "words"), [
    (["--scale", "0"], "--scale: expected a number above 0 and at most 1, got 0"),
    (["--scale", "2"], "--scale: expected a number above 0 and at most 1, got 2"),
    (["--seeds", "1", "1"], "--seeds: expected different numbers of at least 0, got 1 1"),
    (["--candidates", "body.2"], "--candidates: expected two or more different ones to compare, got body.2"),
    (["--candidates", "body.2", "body.77"], "expected a layer of the network, got 'body.77', which matches nothing"),
])  # fmt: skip
def test_bad_arguments_are_one_sentence_and_exit_code_2(tmp_path, capsys, extra, words) -> None:
    arguments = ["-opt", str(write_small_options(tmp_path)), "-o", str(tmp_path / "s"), *extra]
    assert run_verb(_script().main, arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert not (tmp_path / "s").exists()
