"""Step 9: one page of what went in, what was done and what came of it."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from realesrgan_arch import __version__, atomic
from realesrgan_arch.devices import describe_device
from realesrgan_arch.evaluation.proof import PROOF_FILE
from realesrgan_arch.evaluation.report import Content, write_report
from realesrgan_arch.evaluation.report_places import read_results
from realesrgan_arch.evaluation.report_run import read_story
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.image_header import shown

NAME = "report"
_SHOWN_PANELS = 6


def report_on(steps: Sequence[Step]) -> Step:
    """Return the step that writes the page about `steps`, which come before it."""
    return Step(
        name=NAME,
        depends="something before has",
        inputs=lambda work: {step.name: work.facts(step.name) for step in steps},
        aim=lambda work: f"writing {shown(work.folder.report)} and {shown(work.folder.summary)}",
        make=lambda work: _make(work, steps),
        told=lambda facts: facts["summary"],
        holds=lambda work, _: work.folder.summary.is_file() and (work.folder.report.is_file() or not _has_proof(work)),
    )


def _make(work: Work, steps: Sequence[Step]) -> Facts:
    try:
        atomic.write_text(work.folder.summary, "\n".join(_lines(work, steps)) + "\n")
    except OSError as error:
        raise GuidedError(f"{shown(work.folder.summary)} cannot be written: {error.strerror}") from error
    return {"summary": ", ".join(map(shown, (*_make_page(work), work.folder.summary)))}


def _make_page(work: Work) -> tuple[Path, ...]:
    if not _has_proof(work):
        return ()
    found, others = read_results(_results(work))
    run = work.folder.run.root
    content = Content(_title(work), found, others, read_story(found.proof, run if run.is_dir() else None))
    return write_report(content, work.folder.report)


def _has_proof(work: Work) -> bool:
    """An evaluation of an older version, which still holds, has none."""
    return (_results(work) / PROOF_FILE).is_file()


def _results(work: Work) -> Path:
    return work.folder.root / work.facts("evaluate")["folder"]


def _title(work: Work) -> str:
    return f"{work.request.name}: {work.base.source}, tuned on {shown(work.request.data)}"


def _lines(work: Work, steps: Sequence[Step]) -> Iterator[str]:
    evaluated = work.facts("evaluate")
    yield f"# {_title(work)}"
    yield f"\n**On scenes that training never saw: {evaluated['judgement']}.**"
    if not evaluated["is_better"]:
        yield "\nThat proves no improvement: look at the panels, give more photographs or hours, or keep the base."
    yield "\nThe composite counts fidelity (PSNR, SSIM) and naturalness (NIQE) alike; above 0 is better.\n"
    yield from _fenced(evaluated["table"])
    yield from _fenced(evaluated["differences"])
    yield from _panels(work, _results(work))
    yield "\n## What was done\n"
    yield from (f"- **{step.name}** {step.told(work.facts(step.name))}" for step in steps)
    yield f"\nOn {describe_device(work.device)}; realesrgan_arch {__version__}."
    yield "\n## What to do with it\n"
    yield from _fenced("\n".join(_commands(work)))


def _fenced(text: str) -> Iterator[str]:
    yield f"```\n{text}\n```"


def _panels(work: Work, results: Path) -> Iterator[str]:
    panels = sorted((results / "visualization" / "panels").glob("*.png"))
    if panels:
        yield "\n## Unseen scenes: bicubic, base, tuned, ground truth\n"
    for panel in panels[:_SHOWN_PANELS]:
        yield f"![{panel.stem}]({quote(panel.relative_to(work.folder.root).as_posix())})\n"
    if len(panels) > _SHOWN_PANELS:
        folder = panels[0].parent.relative_to(work.folder.root).as_posix()
        yield f"{len(panels) - _SHOWN_PANELS} more are in `{folder}/`."


def _commands(work: Work) -> Iterator[str]:
    options = shlex.quote(str(work.folder.options))
    pth = shlex.quote(str(work.folder.export / f"{work.request.name}.pth"))
    yield f"realesrgan-arch upscale -i photos/ -o upscaled/ --model_path {pth}"
    yield f"python realesrgan_arch/train.py -opt {options} --resume auto   # more steps: change total_iter in the file"
    base = shlex.quote(f"path.base_network_g={work.base.source}")
    yield f"python realesrgan_arch/test.py -opt {options} --set path.pretrain_network_g={pth} --set {base}"
