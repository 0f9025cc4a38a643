"""Step 4: which layers, and how much of a batch at once, fit into the memory."""

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.option_file import Places, Schedule, Trained, parse_option_text, render_options
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_freeze import TEST, VAL, frozen_folder
from realesrgan_arch.training.plan import advice, make_plan, read_budget, say_share

NAME = "plan"
_MOST_WORKERS = 5
_ANY_SCHEDULE = Schedule(total_iter=8000, val_freq=1000, ema_decay=0.999)


def render(work: Work, trained: Trained, schedule: Schedule = _ANY_SCHEDULE) -> str:
    """Return the text of the option file with what is known so far."""
    workers = max(1, min(_MOST_WORKERS, usable_cores() - 1))
    return render_options(work.request.name, work.base, places_of(work), trained, schedule, num_workers=workers)


def places_of(work: Work) -> Places:
    """Return where all lies that the option file names, as the user named it."""
    return Places(
        options=work.folder.options,
        data=work.request.data,
        manifest=work.folder.split / "train.csv",
        val=frozen_folder(work, VAL),
        test=frozen_folder(work, TEST),
        experiments=work.folder.experiments,
    )


def trained_of(work: Work) -> Trained:
    """Return what this step has chosen."""
    facts = work.facts(NAME)
    return Trained(_num_images(work), tuple(facts["patterns"]), facts["accumulate"], facts["checkpointing"])


def _num_images(work: Work) -> int:
    return work.facts("split")["parts"]["train"]["images"]


def _inputs(work: Work) -> object:
    limits = {"budget": work.request.budget, "device": work.device.type, "images": _num_images(work)}
    return {"base": work.base.sha256, **limits}


def _make(work: Work) -> Facts:
    options = parse_option_text(render(work, Trained(_num_images(work), ("all",), accumulate=1, checkpointing=False)))
    budget = read_budget(work.request.budget, options)
    plan = make_plan(options, budget)
    if plan.best is None:
        raise GuidedError(f"--budget: {' '.join(advice(plan)[1:2])}")
    return {
        "patterns": list(plan.best.choice.patterns),
        "accumulate": plan.best.accumulate,
        "checkpointing": plan.best.checkpointing,
        "at_once": plan.best.at_once,
        "share": say_share(plan.best.trained, plan.parameters),
        "needs": say_bytes(plan.best.size),
        "budget": f"{say_bytes(budget.size)} ({budget.words})",
    }


def _told(facts: Facts) -> str:
    recomputed = ", its blocks recomputed" if facts["checkpointing"] else ""
    return (
        f"{', '.join(facts['patterns'])} ({facts['share']} of the parameters), {facts['at_once']} at once in "
        f"{facts['accumulate']} part(s) of a batch{recomputed}: {facts['needs']} of {facts['budget']}"
    )


PLAN = Step(
    name=NAME,
    depends="the base, the budget, the device or the split has",
    inputs=_inputs,
    aim=lambda work: f"what can be trained of {work.base.source} within the memory (--budget {work.request.budget})",
    make=_make,
    told=_told,
    holds=lambda _, __: True,
    is_settled=True,
)
