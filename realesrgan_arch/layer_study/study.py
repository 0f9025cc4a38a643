"""The whole study: what is there already is not done again, and what is found is written down."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realesrgan_arch.data.manifest import read_manifest, write_manifest
from realesrgan_arch.layer_study.candidates import Candidate, StudyError
from realesrgan_arch.layer_study.costs import Cost, foresee_costs
from realesrgan_arch.layer_study.drawn_base import with_one_base
from realesrgan_arch.layer_study.findings import BASE, Choice, Difference, Evidence, choose, compare_all
from realesrgan_arch.layer_study.identity import study_identity
from realesrgan_arch.layer_study.journal import Finished, Journal
from realesrgan_arch.layer_study.protocol import Protocol, Run, Stage, run_folder, subset_path
from realesrgan_arch.layer_study.scoring import Judge, Scores, open_judge
from realesrgan_arch.layer_study.subset import draw_subset
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.session import train
from realesrgan_arch.training.assembly import load_base_generator

Finish = Literal["all", "first", "none"]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    base: Options
    candidates: tuple[Candidate, ...]
    seeds: tuple[int, ...]
    protocol: Protocol
    folder: Path
    finish: Finish = "all"
    """With which seeds the chosen candidate trains on."""

    @property
    def finishing_seeds(self) -> tuple[int, ...]:
        """The seeds that train on."""
        return {"all": self.seeds, "first": self.seeds[:1], "none": ()}[self.finish]


@dataclass(frozen=True)
class Findings:
    """What a study found."""

    evidence: Evidence
    costs: Mapping[Candidate, Cost]
    step_s: Mapping[Candidate, float]
    """Seconds of a step of a probe; 0 where it was not measured."""
    differences: Sequence[Difference]
    choice: Choice
    pictures: int
    """That the probes trained on."""


class InterruptedStudy(KeyboardInterrupt):
    """A study that was asked to stop; its run has saved its state."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("the study was stopped; give the same command again to go on with it")


def run_study(plan: Plan, *, tell: Tell) -> Findings:
    """Train and score whatever of `plan` is not done yet, and return what all of it says.

    Args:
        plan: what is asked for.
        tell: takes one line of progress.

    Raises:
        UserError: options, data, patterns or a folder that cannot be used; before the first step where possible.
        InterruptedStudy: SIGINT or SIGTERM.
    """
    _check_seeds(plan.seeds)
    costs = foresee_costs(plan.candidates, plan.base)
    judge = open_judge(plan.base)
    workshop = _Workshop(plan, judge, tell)
    probes = [Run("probe", candidate, seed) for seed in plan.seeds for candidate in plan.candidates]
    base = workshop.score_base()
    scores = workshop.make(probes)
    evidence = Evidence(base, scores, judge.scenes)
    differences = compare_all(evidence, plan.candidates)
    choice = choose(differences, plan.candidates, costs)
    tell(f"chosen: {choice.candidate.label}; {choice.reason}")
    stages: tuple[Stage, ...] = ("continue", "last")
    rest = [Run(stage, choice.candidate, seed) for seed in plan.finishing_seeds for stage in stages]
    evidence = Evidence(base, {**scores, **workshop.make(rest)}, judge.scenes)
    return Findings(evidence, costs, workshop.step_times(probes), differences, choice, workshop.pictures)


class _Workshop:
    """Makes the runs of a study in its folder."""

    def __init__(self, plan: Plan, judge: Judge, tell: Tell) -> None:
        self._plan = plan
        self._judge = judge
        self._tell = tell
        self._journal = Journal(plan.folder)
        section = plan.base.datasets.train
        if section is None or section.manifest is None:
            raise StudyError(
                "datasets.train.manifest: a study draws its subset from the manifest of a split, got none; make one "
                "with `realesrgan-arch data split`"
            )
        rows = read_manifest(section.manifest)
        self._journal.claim(study_identity(plan.base, plan.protocol, judge, rows))
        self._base = with_one_base(plan.base, plan.folder)
        # A batch takes no picture twice.
        subset = draw_subset(rows, max(plan.protocol.pictures, section.batch_size_per_gpu))
        write_manifest(subset, subset_path(plan.folder))
        self.pictures = len(subset)
        """Of the subset."""

    def score_base(self) -> Scores:
        """Return the scores of the untouched network."""
        known = self._journal.find(BASE)
        if known is None:
            known = Finished(self._judge.score(load_base_generator(self._plan.base)), 0.0)
            self._journal.keep(BASE, known)
        return known.scores

    def make(self, runs: Sequence[Run]) -> dict[Run, Scores]:
        """Return the scores of `runs`, which are trained in their order where they are not there yet."""
        return {run: self._make(run, f"{index} of {len(runs)}").scores for index, run in enumerate(runs, start=1)}

    def step_times(self, runs: Sequence[Run]) -> dict[Candidate, float]:
        """Return the middle of the measured seconds a step, by candidate."""
        times: dict[Candidate, list[float]] = {run.candidate: [] for run in runs}
        for run in runs:
            known = self._journal.find(run.name)
            if known is not None and known.step_s:
                times[run.candidate].append(known.step_s)
        return {candidate: sorted(rows)[len(rows) // 2] if rows else 0.0 for candidate, rows in times.items()}

    def _make(self, run: Run, place: str) -> Finished:
        known = self._journal.find(run.name)
        if known is not None:
            self._tell(f"run {place}: {run.name} is there already")
            return known
        options = run.options(self._base, self._plan.protocol, self._plan.folder)
        self._tell(f"run {place}: {run.name}, {require_train(options).total_iter:,} steps")
        try:
            outcome = train(options, auto_resume=True)
        except KeyboardInterrupt as stop:
            raise InterruptedStudy(getattr(stop, "exit_code", 128 + signal.SIGINT)) from stop
        weights = run_folder(self._plan.folder, run).weights("net_g", None)
        finished = Finished(self._judge.score_file(weights), outcome.timings.typical_s("step"))
        self._journal.keep(run.name, finished)
        return finished


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise StudyError(
            f"--seeds: expected different numbers of at least 0, got {' '.join(map(str, seeds)) or 'none'}"
        )
