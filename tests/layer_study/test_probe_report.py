"""The files that a probe leaves."""

import pytest
import yaml

from realesrgan_arch.layer_study.block_scores import TensorScores
from realesrgan_arch.layer_study.pair_judgement import decide
from realesrgan_arch.layer_study.probe import ProbeFindings, ProbePlan
from realesrgan_arch.layer_study.probe_candidates import Field
from realesrgan_arch.layer_study.probe_report import chosen_options
from realesrgan_arch.layer_study.short_run import Stages
from realesrgan_arch.options.load import load_options, require_train
from realesrgan_arch.options.types import Options
from tests.layer_study.probes import COSTS, FIRST, SECOND, made_up_probe, probe_options


def _findings() -> ProbeFindings:
    evidence = made_up_probe({FIRST: (1.0, -0.5), SECOND: (0.5, 0.0)})
    costs = {one: COSTS[one] for one in (FIRST, SECOND)}
    decision = decide(evidence, [FIRST, SECOND], costs, [4])
    return ProbeFindings(evidence, Field(costs, {}, ()), {}, {}, (4,), decision, TensorScores({}, "", 0))


def _without_the_choice(options: Options) -> dict[str, object]:
    train = require_train(options)
    plain = train.model_copy(update={"trainable": train.trainable.model_copy(update={"network_g": ()})})
    return options.model_copy(update={"name": "", "train": plain}).model_dump(mode="json")


@pytest.mark.parametrize("overrides", [
    ["train.trainable={network_g: [all], network_d: frozen}"],
    ["train.trainable.network_g=[body.0]", "train:trainable:network_d=frozen", "name=other"],
    ["val.metrics.ssim=null", "datasets.train.crop_size=40"],
    ["val.metrics={psnr: {type: calculate_psnr}, niqe: {type: calculate_niqe}}"],
])  # fmt: skip
def test_the_chosen_options_are_those_that_were_probed_but_for_the_choice(tmp_path, overrides) -> None:
    mapping = probe_options(tmp_path, gan=True)
    mapping["val"]["metrics"]["ssim"] = {"type": "calculate_ssim", "crop_border": 4}
    source = tmp_path / "base.yml"
    source.write_text(yaml.safe_dump(mapping))
    probed = load_options(source, overrides=overrides).options
    plan = ProbePlan(probed, (FIRST, SECOND), (0,), Stages(4, 1), tmp_path / "p")
    chosen = tmp_path / "p" / "chosen.yml"
    chosen.parent.mkdir()
    chosen.write_text(chosen_options(_findings(), plan, source=source, overrides=overrides))
    found = load_options(chosen).options
    assert require_train(found).trainable.network_g == FIRST.patterns
    assert _without_the_choice(found) == _without_the_choice(probed)


def test_the_choice_stands_in_the_file_even_where_the_given_one_says_the_same(tmp_path) -> None:
    mapping = probe_options(tmp_path)
    mapping["train"]["trainable"] = {"network_g": list(FIRST.patterns)}
    source = tmp_path / "base.yml"
    source.write_text(yaml.safe_dump(mapping))
    plan = ProbePlan(load_options(source).options, (FIRST, SECOND), (0,), Stages(4, 1), tmp_path)
    text = chosen_options(_findings(), plan, source=source, overrides=[])
    assert yaml.safe_load(text)["train"] == {"trainable": {"network_g": list(FIRST.patterns)}}
