"""What the folder of a training says: curves, layers, data, options without paths."""

import json
import math
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from realesrgan_arch.evaluation.proof import MethodFacts, Proof
from realesrgan_arch.evaluation.report_run import compare_layers, read_curves, read_story
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.training.run_folder import RunFolder
from tests.evaluation.proof_builders import proof

OPTIONS = """
name: houses
model_type: RealESRNetModel
scale: 4
network_g: {type: SRVGGNetCompact, num_feat: 8, num_conv: 2, upscale: 4}
datasets:
  train: {name: houses, type: RealESRGANDataset, dataroot_gt: /home/ann/private/houses, batch_size_per_gpu: 2}
train: {total_iter: 30, optim_g: {type: Adam, lr: 0.0001}, pixel_opt: {type: L1Loss}}
path:
  pretrain_network_g: BASE
"""


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Proof]:
    """Return a run folder whose tuned weights differ from the base in the last layer, and a proof about both."""
    state = build_generator(CompactSpec(num_feat=8, num_conv=2)).state_dict()
    base = tmp_path / "base.pth"
    torch.save({"params": state}, base)
    root = tmp_path / "experiments" / "houses"
    tuned = root / "models" / "net_g_30.pth"
    tuned.parent.mkdir(parents=True)
    last = [*state][-1]
    torch.save({"params": {**state, last: state[last] + 1}}, tuned)
    (root / "options.yml").write_text(OPTIONS.replace("BASE", str(base)), encoding="utf-8")
    methods = (
        MethodFacts("base", "base", "base.pth", hash_file(base)),
        MethodFacts("tuned", "tuned", "models/net_g_30.pth", hash_file(tuned)),
    )
    return root, proof(methods=methods)


def write_log(root: Path, *records: dict) -> None:
    """Write `metrics.jsonl`, with a last line that a kill cut off."""
    lines = [json.dumps(record) for record in records]
    (root / "metrics.jsonl").write_text("\n".join([*lines, '{"kind": "tra']), encoding="utf-8")


def test_curves_are_the_scores_of_the_validations_and_the_losses(tmp_path: Path):
    write_log(
        tmp_path,
        {"kind": "validation", "step": 0, "set": "val", "niqe": None, "psnr": 20.0},
        {"kind": "train", "step": 5, "l_g_pix": 0.1, "lr": 1e-4},
        {"kind": "validation", "step": 10, "set": "val", "niqe": 4.5, "psnr": 20.5, "set_hash": "0badf00d"},
        {"kind": "train", "step": 10, "l_g_pix": 0.05, "lr": 1e-4},
    )
    psnr, niqe, losses = read_curves(RunFolder(tmp_path))
    assert (psnr.title, psnr.unit, psnr.base, psnr.better) == ("PSNR", "dB", 20.0, "higher")
    assert psnr.series == {"val": [(0, 20.0), (10, 20.5)]}
    assert niqe.series == {"val": [(10, 4.5)]}
    assert niqe.base is None
    assert losses.series == {"g_pix": [(5, 0.1), (10, 0.05)]}


def test_a_run_without_a_log_has_no_curves(tmp_path: Path):
    assert [*read_curves(RunFolder(tmp_path))] == []


def test_the_layers_that_moved_are_told_with_how_far():
    before = {
        "a.weight": torch.full((4,), 3.0),
        "a.bias": torch.zeros(2),
        "b.weight": torch.ones(5),
        "alone": torch.ones(1),
    }
    after = {**before, "a.weight": torch.full((4,), 3.3)}
    [layer], untouched = compare_layers(before, after)
    assert (layer.name, layer.parameters, untouched) == ("a", 6, 2)
    assert layer.moved == pytest.approx(0.1)


def test_a_layer_of_nothing_but_zeros_moved_beyond_any_measure():
    [layer], _ = compare_layers({"a.bias": torch.zeros(2)}, {"a.bias": torch.ones(2)})
    assert math.isinf(layer.moved)


def test_the_weights_that_were_judged_are_found_by_their_bytes(run: tuple[Path, Proof]):
    root, found = run
    (root / "models" / "net_g_10.pth").write_bytes(b"other weights")
    story = read_story(found, root)
    assert story.step == 30
    assert len(story.layers) == 1
    assert story.untouched > 2
    assert ("Tuned from", "base.pth") in story.data
    assert story.notes == ()


def test_without_a_run_the_layers_are_those_of_the_weights_that_are_named(run: tuple[Path, Proof], tmp_path: Path):
    root, found = run
    named = [str(root / "models" / "net_g_30.pth"), str(tmp_path / "base.pth")]
    story, of_run = read_story(found, None, weights=named), read_story(found, root)
    assert len(story.layers) == 1
    assert (story.layers, story.untouched, story.notes) == (of_run.layers, of_run.untouched, ())
    [note] = read_story(found, None, weights=named[:1]).notes
    assert note == "Which layers moved is not told, as no files with the bytes of both models were found: --weights."


def test_weights_of_another_run_are_not_taken_for_those_that_were_judged(run: tuple[Path, Proof]):
    root, found = run
    other = tuple(replace(method, sha256="0" * 64) if method.kind == "tuned" else method for method in found.methods)
    story = read_story(replace(found, methods=other), root)
    assert (story.step, story.layers) == (None, ())
    assert "None of the weights in houses are those that were judged" in story.notes[0]


def test_no_folder_of_the_machine_is_published(run: tuple[Path, Proof], tmp_path: Path):
    root, found = run
    story = read_story(found, root)
    assert "/home/ann" not in story.options
    assert "dataroot_gt: '.../houses'" in story.options
    assert str(tmp_path) not in repr(story)


def test_without_a_run_it_still_tells_how_to_use_the_weights():
    story = read_story(proof(), None)
    assert story.commands[0] == "realesrgan-arch upscale -n tuned.pth -i photos/ -o upscaled/"
    assert "upscayl" in dict(story.places)["ncnn"]
    assert (story.curves, story.options) == ((), "")


def test_commands_name_the_weights_as_they_are_typed_here_by_the_name_that_was_judged(
    run: tuple[Path, Proof], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root, found = run
    (root / "models" / "net_g_latest.pth").write_bytes((root / "models" / "net_g_30.pth").read_bytes())
    methods = tuple(replace(one, source=one.source.replace("g_30", "g_latest")) for one in found.methods)
    monkeypatch.chdir(tmp_path)
    upscale, export = read_story(replace(found, methods=methods), root).commands
    assert upscale == "realesrgan-arch upscale -n experiments/houses/models/net_g_latest.pth -i photos/ -o upscaled/"
    assert Path(shlex.split(export)[2]).is_file()
    monkeypatch.chdir(root)
    assert "-n models/net_g_30.pth " in read_story(found, root).commands[0]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/ann/my houses; rm -r ~.pth", "my houses; rm -r ~.pth"),
        ("-n.pth", "./-n.pth"),
        ("a\nb.pth", r"a\nb.pth"),
        ("realesr-general-x4v3", "realesr-general-x4v3"),
    ],
)
def test_commands_are_one_line_each_and_name_the_weights_whatever_they_are_called(source: str, name: str):
    story = read_story(proof(methods=(MethodFacts("tuned", "tuned", source, "0" * 64),)), None)
    assert [shlex.split(command)[position] for command, position in zip(story.commands, (3, 2), strict=True)] == [
        name,
        name,
    ]
    assert not any("\n" in command for command in story.commands)


def test_options_that_cannot_be_read_are_a_note(run: tuple[Path, Proof]):
    root, found = run
    (root / "options.yml").write_text("a: [", encoding="utf-8")
    assert "The options of the training cannot be read." in read_story(found, root).notes
