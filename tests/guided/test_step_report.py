"""The page is beside the summary, and the commands in that do what they say."""

import shlex

import torch

from realesrgan_arch.comparison import build_contenders
from realesrgan_arch.evaluation.proof import write_proof
from realesrgan_arch.guided.journal import Entry
from realesrgan_arch.guided.option_file import Places, Schedule, Trained, render_options
from realesrgan_arch.guided.step_report import _commands, report_on
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.options.load import load_options
from tests.evaluation.proof_builders import proof, shown_picture
from tests.guided.builders import DEMO_SPEC, build_work


def test_the_last_command_compares_bicubic_base_and_tuned(tmp_path) -> None:
    work = build_work(tmp_path, [], name="my run")
    folder = work.folder
    frozen = folder.frozen("0" * 64)
    places = Places(
        folder.options, work.request.data, folder.split, frozen / "val", frozen / "test", folder.experiments
    )
    trained = Trained(8, ("all",), accumulate=1, checkpointing=False)
    folder.export.mkdir(parents=True)
    torch.save({"params": build_generator(DEMO_SPEC).state_dict()}, folder.export / "my run.pth")
    text = render_options("my run", work.base, places, trained, Schedule(8, 4, 0.99), num_workers=1)
    folder.options.write_text(text, encoding="utf-8")
    words = shlex.split([*_commands(work)][-1])
    assert words[:4] == ["python", "realesrgan_arch/test.py", "-opt", str(folder.options)]
    overrides = [value for word, value in zip(words[4::2], words[5::2], strict=True) if word == "--set"]
    contenders = build_contenders(load_options(folder.options, overrides=overrides).options)
    assert [one.facts.name for one in contenders] == ["bicubic", "base", "tuned"]


def test_the_step_writes_the_page_and_is_done_again_where_that_is_gone(tmp_path) -> None:
    work = build_work(tmp_path, [], name="houses")
    facts = {"judgement": "better", "is_better": True, "table": "", "differences": "", "folder": "results/test"}
    work.journal.add("evaluate", Entry("", facts))
    results = work.folder.root / "results" / "test"
    write_proof(proof(shown=(shown_picture(results, "house", "worst"),)), results)
    step = report_on([])
    told = step.told(made := step.make(work))
    assert str(work.folder.report) in told
    assert "A trade: better in PSNR" in work.folder.report.read_text(encoding="utf-8")
    assert step.holds(work, made)
    work.folder.report.unlink()
    assert not step.holds(work, made)


def test_an_evaluation_of_an_older_version_has_its_summary(tmp_path) -> None:
    work = build_work(tmp_path, [], name="houses")
    facts = {"judgement": "better", "is_better": True, "table": "", "differences": "", "folder": "results/test"}
    work.journal.add("evaluate", Entry("", facts))
    step = report_on([])
    assert step.holds(work, step.make(work))
    assert not work.folder.report.exists()
