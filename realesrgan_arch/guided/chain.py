"""The steps of a guided run, one after another: what is done and still holds is not done again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.errors import EXIT_INTERRUPTED
from realesrgan_arch.guided.base import Base
from realesrgan_arch.guided.folder import GuidedFolder
from realesrgan_arch.guided.journal import Entry, Facts, Journal
from realesrgan_arch.guided.request import GuidedError, Request
from realesrgan_arch.guided.talk import Talk
from realesrgan_arch.image_header import shown


class StoppedInStepError(KeyboardInterrupt):
    """A guided run that was asked to stop."""

    def __init__(self, title: str, stop: KeyboardInterrupt) -> None:
        self.exit_code: int = getattr(stop, "exit_code", EXIT_INTERRUPTED)
        super().__init__(f"stopped in step {title}; run the same command again to go on from there")


@dataclass(frozen=True)
class Work:
    """What every step works with."""

    request: Request
    base: Base
    device: torch.device
    folder: GuidedFolder
    journal: Journal
    talk: Talk

    def facts(self, step: str) -> Facts:
        """Return what an earlier step has found."""
        return self.journal.facts(step)


@dataclass(frozen=True)
class Step:
    """One step; `facts` are all that is kept of it besides its files, and all that later steps see."""

    name: str
    depends: str
    """What its result depends on, in words."""
    inputs: Callable[[Work], object]
    """The same as plain values."""
    aim: Callable[[Work], str]
    """What it will do, in one line."""
    make: Callable[[Work], Facts]
    """Do it; a step that was killed inside goes on, or begins anew, when it is called again."""
    told: Callable[[Facts], str]
    """What came of it, in one line."""
    holds: Callable[[Work, Facts], bool]
    """Whether its files are still there."""
    is_settled: bool = False
    """Once training has begun it cannot be done from other inputs: the run would be another one."""


def run_chain(steps: Sequence[Step], work: Work) -> None:
    """Do the steps that are not done, or whose inputs have changed, in order; each is noted when it is done.

    Raises:
        UserError: a step that cannot be done; those before it are kept.
        DeclinedError: the user said no.
        StoppedInStepError: Ctrl-C or SIGTERM.
    """
    for number, step in enumerate(steps, start=1):
        title = f"{number}/{len(steps)} {step.name}"
        inputs, entry = hash_json(step.inputs(work)), work.journal.entry(step.name)
        if entry is not None and entry.inputs == inputs and step.holds(work, entry.facts):
            work.talk.say(f"{title}: as before: {step.told(entry.facts)}")
            continue
        _check_settled(step, entry, inputs, work)
        work.talk.say(f"{title}: {_why_again(step, entry, inputs)}{step.aim(work)}")
        facts = _make(step, work, title)
        work.journal.add(step.name, Entry(inputs, facts))
        work.talk.say(f"{title}: {step.told(facts)}")


def _check_settled(step: Step, entry: Entry | None, inputs: str, work: Work) -> None:
    if not (step.is_settled and work.folder.has_training_begun()):
        return
    if entry is None:
        raise GuidedError(
            f"{shown(work.folder.root)} has begun to train, but {shown(work.folder.journal)} does not say from what "
            f"({step.name}); bring that file back, or choose another --name"
        )
    if entry.inputs != inputs:
        raise GuidedError(
            f"{step.depends} changed since {shown(work.folder.root)} began to train, so it would be another run; bring "
            "back what was there, or give the new run a --name of its own"
        )


def _why_again(step: Step, entry: Entry | None, inputs: str) -> str:
    if entry is None:
        return ""
    return "its files are gone: again: " if entry.inputs == inputs else f"{step.depends} changed: again: "


def _make(step: Step, work: Work, title: str) -> Facts:
    try:
        return step.make(work)
    except KeyboardInterrupt as stop:
        raise StoppedInStepError(title, stop) from stop
