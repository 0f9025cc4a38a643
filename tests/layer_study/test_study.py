"""A whole study in small: every stage, a stop and a second call, and what is refused before the first step."""

import importlib.util
import json
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from realesrgan_arch.data.manifest import read_manifest
from realesrgan_arch.entry import run as run_verb
from realesrgan_arch.errors import UserError
from realesrgan_arch.layer_study import study
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.protocol import Protocol
from realesrgan_arch.layer_study.report import table
from realesrgan_arch.layer_study.scoring import open_judge
from realesrgan_arch.layer_study.study import InterruptedStudy, Plan, run_study
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.options.load import parse_options, require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint import plain_state, save_weights
from realesrgan_arch.training.freezing import plan_freezing
from realesrgan_arch.training.outcome import Outcome
from realesrgan_arch.training.outlook import QualityReport
from realesrgan_arch.training.stopping import StoppedBySignal
from realesrgan_arch.training.timings import Timings
from realesrgan_arch.training.together import run_folder_of
from realesrgan_arch.training.verdict import CONTINUE
from tests.layer_study.studies import EARLY, LAST, small_options, write_small_options

ROOT = Path(__file__).parents[2]
SMALL = Protocol(probe_steps=2, continue_steps=1, last_steps=2, last_lr=1e-4, subset=3)
COSTS = {EARLY: Cost(584, 2000), LAST: Cost(3504, 1000)}
PROBES = ["probe_body.2_seed0", "probe_body.6_seed0", "probe_body.2_seed1", "probe_body.6_seed1"]


@pytest.fixture
def plan(tmp_path) -> Plan:
    return Plan(parse_options(small_options(tmp_path)), (EARLY, LAST), (0, 1), SMALL, tmp_path / "study", "first")


class _Trainer:
    """Stands for `session.train`: what should train moves by a draw of the run's seed, and the weights are written."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.stops_at = 0

    def __call__(self, options: Options, *, auto_resume: bool) -> Outcome:
        assert auto_resume
        self.names.append(options.name)
        if len(self.names) == self.stops_at:
            raise StoppedBySignal(1, signal.SIGTERM)
        network = load_base_generator(options)
        generator = torch.Generator().manual_seed(options.manual_seed)
        for value in plan_freezing(network, require_train(options).trainable.network_g, key="k").trainable_parameters(
            network
        ):
            value.data += 0.01 * torch.randn(value.shape, generator=generator)
        folder = run_folder_of(options)
        folder.models.mkdir(parents=True)
        save_weights(folder.weights("net_g", None), params=plain_state(network))
        timings = Timings()
        timings.add_step(0.25)
        return Outcome(folder, folder.weights("net_g", None), "", "", QualityReport(), CONTINUE, "", timings)


@pytest.fixture
def trained(monkeypatch) -> _Trainer:
    """Takes the place of training, and knows the names of the runs in their order."""
    trainer = _Trainer()
    monkeypatch.setattr(study, "train", trainer)
    monkeypatch.setattr(study, "foresee_costs", lambda candidates, base: COSTS)
    return trainer


def _quiet(line: str) -> None:
    del line


def test_each_candidate_trains_with_each_seed_and_the_chosen_one_goes_on(plan, trained) -> None:
    findings = run_study(plan, tell=_quiet)
    slug = findings.choice.candidate.slug
    assert trained.names == [*PROBES, f"continue_{slug}_seed0", f"last_{slug}_seed0"]
    assert len(read_manifest(plan.folder / "subset.csv")) == findings.pictures == 3
    found = findings.differences[0].metrics["psnr"]
    assert sorted(found.by_seed) == [0, 1]
    assert found.interval.scenes == 2
    assert findings.step_s == {EARLY: 0.25, LAST: 0.25}


def test_the_scores_are_those_of_the_weights_of_each_run(plan, trained) -> None:
    findings = run_study(replace(plan, finish="none"), tell=_quiet)
    judge = open_judge(plan.base)
    for run, scores in findings.evidence.runs.items():
        assert judge.score_file(plan.folder / f"runs/{run.name}/models/net_g_latest.pth") == scores
    assert len({tuple(scores["psnr"].values()) for scores in findings.evidence.runs.values()}) == 4
    assert judge.score(load_base_generator(plan.base)) == findings.evidence.base


def test_without_weights_all_seeds_start_from_one_drawn_base(plan, trained) -> None:
    run_study(replace(plan, finish="none"), tell=_quiet)
    base = plain_state(load_base_generator(plan.base))
    for name in PROBES:
        path = plan.folder / f"runs/{name}/models/net_g_latest.pth"
        found = torch.load(path, weights_only=True)["params"]
        moved = {key.rpartition(".")[0] for key, value in found.items() if not torch.equal(value, base[key])}
        assert moved == {name.split("_")[1]}


def test_a_second_call_trains_nothing_and_says_the_same(plan, trained) -> None:
    first = table(run_study(plan, tell=_quiet), plan)
    count = len(trained.names)
    lines: list[str] = []
    assert table(run_study(plan, tell=lines.append), plan) == first
    assert len(trained.names) == count
    assert "run 1 of 4: probe_body.2_seed0 is there already" in lines


def test_a_study_that_was_stopped_goes_on_where_it_was_and_ends_as_an_undisturbed_one(plan, trained) -> None:
    trained.stops_at = 2
    with pytest.raises(InterruptedStudy, match="give the same command again") as stopped:
        run_study(plan, tell=_quiet)
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    resumed = run_study(plan, tell=_quiet)
    assert trained.names[:4] == [*PROBES[:2], *PROBES[1:3]]
    undisturbed = run_study(replace(plan, folder=plan.folder.with_name("other")), tell=_quiet)
    assert resumed.evidence == undisturbed.evidence


def test_more_seeds_join_a_study_and_other_steps_are_refused(plan, trained) -> None:
    run_study(replace(plan, finish="none"), tell=_quiet)
    more = replace(plan, seeds=(0, 1, 4), finish="none")
    assert sorted(run_study(more, tell=_quiet).differences[0].metrics["psnr"].by_seed) == [0, 1, 4]
    assert trained.names == [*PROBES, "probe_body.2_seed4", "probe_body.6_seed4"]
    longer = replace(plan, protocol=replace(SMALL, probe_steps=3))
    with pytest.raises(UserError, match=r"other settings \(protocol.probe_steps\)"):
        run_study(longer, tell=_quiet)


@pytest.mark.parametrize(("key", "named"), [("g", "weights.network_g"), ("d", "weights.network_d")])
def test_weights_that_changed_under_their_name_are_refused(tmp_path, trained, key, named) -> None:
    mapping = small_options(tmp_path, gan=True)
    options = parse_options(mapping)
    assert options.network_d is not None
    networks = {"g": build_generator(options.network_g), "d": build_discriminator(options.network_d)}
    for name, network in networks.items():
        save_weights(tmp_path / f"{name}.pth", params=plain_state(network))
        mapping["path"][f"pretrain_network_{name}"] = str(tmp_path / f"{name}.pth")
    plan = Plan(parse_options(mapping), (EARLY, LAST), (0,), SMALL, tmp_path / "study", "none")
    run_study(plan, tell=_quiet)
    run_study(plan, tell=_quiet)
    moved = {name: value + 1 for name, value in plain_state(networks[key]).items()}
    save_weights(tmp_path / f"{key}.pth", params=moved)
    with pytest.raises(UserError, match=rf"other settings \({named}\)"):
        run_study(plan, tell=_quiet)


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
        run_study(plan, tell=_quiet)
    assert trained.names == []


def _script():
    spec = importlib.util.spec_from_file_location("layer_study_script", ROOT / "scripts/layer_study.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_command_makes_the_whole_study_and_only_the_candidate_ever_moves(tmp_path, capsys) -> None:
    folder = tmp_path / "s"
    arguments = ["-opt", str(write_small_options(tmp_path)), "--scale", "0.0001", "--seeds", "0", "-o", str(folder)]
    assert run_verb(_script().main, arguments) == 0
    said = capsys.readouterr().out
    assert "2 candidates, each alone for 1 step on 2 pictures with 1 seed; scale 0.0001" in said
    found = json.loads((folder / "results.json").read_text())
    assert found["seeds"] == [0]
    chosen = found["chosen"]
    runs = ["probe_body.2_seed0", "probe_body.6_seed0", f"continue_{chosen}_seed0", f"last_{chosen}_seed0"]
    states = {name: _weights(folder / "runs" / name) for name in runs}
    assert _moved(states[runs[0]], states[runs[1]]) == {"body.2", "body.6"}
    chain = [f"probe_{chosen}_seed0", *runs[2:]]
    for before, after in pairwise(chain):
        assert _moved(states[before], states[after]) == {chosen}


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "models/net_g_latest.pth", weights_only=True)["params"]


def _moved(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> set[str]:
    return {key.rpartition(".")[0] for key, value in one.items() if not torch.equal(value, other[key])}


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
