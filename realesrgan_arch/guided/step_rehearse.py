"""Step 5: three steps of everything; from their times the schedule, and with it the option file."""

from dataclasses import asdict, replace

from realesrgan_arch import atomic
from realesrgan_arch.dry_run import dry_run
from realesrgan_arch.dry_run_report import say_seconds
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.option_file import parse_option_text
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.schedule import projected_seconds, schedule_for_hours, schedule_for_steps
from realesrgan_arch.guided.step_plan import render, trained_of
from realesrgan_arch.image_header import shown
from realesrgan_arch.training.checkpoint import hash_file

NAME = "rehearse"


def _inputs(work: Work) -> object:
    split = work.facts("split")["digest"]
    wanted = {"steps": work.request.steps} if work.request.steps else {"hours": work.request.hours}
    trained = asdict(trained_of(work))
    return {"split": split, "freeze": work.facts("freeze"), "trained": trained, "base": work.base.sha256, **wanted}


def _make(work: Work) -> Facts:
    _check_unedited(work)
    trained = trained_of(work)
    report = dry_run(parse_option_text(render(work, trained)))
    problems = report.all_problems()
    if problems:
        work.talk.confirm(f"the rehearsal says: {'; '.join(problems)}. Go on?")
    steps = work.request.steps
    schedule = schedule_for_steps(steps) if steps else schedule_for_hours(report.cost, work.request.hours)
    entry = work.journal.entry(NAME)
    if entry is not None and work.folder.has_training_begun():
        schedule = replace(schedule, ema_decay=entry.facts["ema_decay"])  # another one would be another run
    try:
        atomic.write_text(work.folder.options, render(work, trained, schedule))
    except OSError as error:
        raise GuidedError(f"{shown(work.folder.options)} cannot be written: {error.strerror}") from error
    return {
        **asdict(schedule),
        "seconds": projected_seconds(report.cost, schedule),
        "step_s": report.cost.step_s,
        "options": shown(work.folder.options),
        "options_sha256": hash_file(work.folder.options),
    }


def _check_unedited(work: Work) -> None:
    """An option file that the user has changed is the user's."""
    entry, path = work.journal.entry(NAME), work.folder.options
    if path.exists() and (entry is None or hash_file(path) != entry.facts["options_sha256"]):
        raise GuidedError(
            f"{shown(path)} would be overwritten, but was changed by hand or is none of this run's; move it away to "
            "have it written anew, or ask for the same as before: then it is used as it is"
        )


def _told(facts: Facts) -> str:
    rounds = -(-facts["total_iter"] // facts["val_freq"])
    return (
        f"{facts['total_iter']:,} steps with {rounds} validations will take about {say_seconds(facts['seconds'])} "
        f"({facts['step_s']:.2f} s a step); all of it is in {facts['options']}"
    )


REHEARSE = Step(
    name=NAME,
    depends="the data, the base, the plan, --hours or --steps have",
    inputs=_inputs,
    aim=lambda _: "three steps of everything, to know how long it takes",
    make=_make,
    told=_told,
    holds=lambda work, _: work.folder.options.is_file(),
)
