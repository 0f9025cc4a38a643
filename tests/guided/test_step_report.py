"""The commands on the page do what they say."""

import shlex

import torch

from realesrgan_arch.comparison import build_contenders
from realesrgan_arch.guided.option_file import Places, Schedule, Trained, render_options
from realesrgan_arch.guided.step_report import _commands
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.options.load import load_options
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
