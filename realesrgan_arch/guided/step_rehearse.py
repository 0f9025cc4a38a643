"""Step 5: three steps of everything; from their times the schedule, and with it the option file."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, fields, replace

from realesrgan_arch import atomic
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.dry_run import dry_run
from realesrgan_arch.dry_run_report import say_seconds
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Entry, Facts
from realesrgan_arch.guided.option_file import Schedule, parse_option_text
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.schedule import projected_seconds, schedule_for_hours, schedule_for_steps
from realesrgan_arch.guided.step_plan import places_of, render, trained_of
from realesrgan_arch.image_header import shown

NAME = "rehearse"
_WRITING = f"{NAME}: options.yml"
"""In the journal: the hash of the option file, noted before it is written, and that of the one before it."""


def _inputs(work: Work) -> object:
    places = {key: path.as_posix() for key, path in vars(places_of(work)).items()}
    return {"schedule": _schedule_inputs(work), "places": places, "base": work.base.source}


def _schedule_inputs(work: Work) -> Mapping[str, object]:
    """All that counts besides where the files lie."""
    split = work.facts("split")["digest"]
    wanted = {"steps": work.request.steps} if work.request.steps else {"hours": work.request.hours}
    trained = asdict(trained_of(work))
    return {"split": split, "freeze": work.facts("freeze"), "trained": trained, "base": work.base.sha256, **wanted}


def _make(work: Work) -> Facts:
    _check_unedited(work)
    timing = _timing_before(work) or _timing(work)
    schedule = Schedule(*(timing[field.name] for field in fields(Schedule)))
    digest = _write(work, render(work, trained_of(work), schedule))
    return {**timing, "options": shown(work.folder.options), "options_sha256": digest}


def _timing_before(work: Work) -> Facts | None:
    """Return what is known of a run that has begun to train and only lies elsewhere now: it keeps its schedule."""
    entry, inputs = work.journal.entry(NAME), hash_json(_schedule_inputs(work))
    if entry is None or entry.facts.get("schedule_inputs") != inputs:
        return None
    return entry.facts if work.folder.has_training_begun() else None


def _timing(work: Work) -> Facts:
    report = dry_run(parse_option_text(render(work, trained_of(work))))
    problems = report.all_problems()
    if problems:
        work.talk.confirm(f"the rehearsal says: {'; '.join(problems)}. Go on?")
    steps = work.request.steps
    schedule = schedule_for_steps(steps) if steps else schedule_for_hours(report.cost, work.request.hours)
    entry = work.journal.entry(NAME)
    if entry is not None and work.folder.has_training_begun():
        schedule = replace(schedule, ema_decay=entry.facts["ema_decay"])  # another one would be another run
    return {
        **asdict(schedule),
        "seconds": projected_seconds(report.cost, schedule),
        "step_s": report.cost.step_s,
        "schedule_inputs": hash_json(_schedule_inputs(work)),
    }


def _write(work: Work, text: str) -> str:
    """Write the option file and return its hash, which is noted first: a kill leaves no file that nobody knows."""
    path = work.folder.options
    digest = hashlib.sha256(text.encode()).hexdigest()
    work.journal.add(_WRITING, Entry(digest, {"before": hash_file(path) if path.exists() else None}))
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise GuidedError(f"{shown(path)} cannot be written: {error.strerror}") from error
    return digest


def _check_unedited(work: Work) -> None:
    """An option file that the user has changed is the user's."""
    noted, path = work.journal.entry(_WRITING), work.folder.options
    ours = {noted.inputs, noted.facts["before"]} if noted else set()
    if path.exists() and hash_file(path) not in ours:
        raise GuidedError(
            f"{shown(path)} would be overwritten, but was changed by hand or is none of this run's; move it away to "
            "have it written anew, or ask for the same as before: then it is used as it is"
        )


def _holds(work: Work, facts: Facts) -> bool:
    """An option file that a kill left, written for another request, is not what this step found; an edited one is."""
    noted, path = work.journal.entry(_WRITING), work.folder.options
    if not path.is_file() or noted is None:
        return False
    is_of_another_request = noted.inputs != facts["options_sha256"] and hash_file(path) == noted.inputs
    return not is_of_another_request


def _told(facts: Facts) -> str:
    rounds = -(-facts["total_iter"] // facts["val_freq"])
    return (
        f"{facts['total_iter']:,} steps with {rounds} validations will take about {say_seconds(facts['seconds'])} "
        f"({facts['step_s']:.2f} s a step); all of it is in {facts['options']}"
    )


REHEARSE = Step(
    name=NAME,
    depends="the data, the base, the plan, --hours, --steps or a place has",
    inputs=_inputs,
    aim=lambda _: "three steps of everything, to know how long it takes",
    make=_make,
    told=_told,
    holds=_holds,
)
