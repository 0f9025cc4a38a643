"""The layer probe: short runs of all candidates side by side, of which only those that are not dominated go on.

Successive halving after Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization" (AISTATS 2016, arXiv 1502.07943), with one change: a candidate goes because it is dominated beyond an
interval, not because half of them have to.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from torch import nn

from realesrgan_arch.evaluation.proving import check_writable
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.block_scores import TensorScores, score_tensors
from realesrgan_arch.layer_study.candidates import Candidate, StudyError
from realesrgan_arch.layer_study.costs import with_recomputing
from realesrgan_arch.layer_study.crop_gradients import CropGradients
from realesrgan_arch.layer_study.drawn_base import with_one_base
from realesrgan_arch.layer_study.findings import BASE
from realesrgan_arch.layer_study.identity import probe_identity
from realesrgan_arch.layer_study.journal import Finished, Journal
from realesrgan_arch.layer_study.pair_judgement import PAIR, Decision, ProbeEvidence, decide, dominated
from realesrgan_arch.layer_study.pair_tape import PairTape, record_pairs
from realesrgan_arch.layer_study.path_scores import PathScores, score_path
from realesrgan_arch.layer_study.probe_candidates import Field, settle
from realesrgan_arch.layer_study.scoring import Judge, Scores, open_judge
from realesrgan_arch.layer_study.short_run import ShortRun, Stages, time_step, train_to
from realesrgan_arch.layer_study.study import InterruptedStudy, Tell
from realesrgan_arch.options.types import Options
from realesrgan_arch.plural import count_of
from realesrgan_arch.stop_signals import StopSignals
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.plan import Budget


@dataclass(frozen=True)
class ProbePlan:
    """What is asked for."""

    base: Options
    candidates: tuple[Candidate, ...]
    seeds: tuple[int, ...]
    stages: Stages
    folder: Path
    budget: Budget | None = None
    """Of memory; None is any."""
    crops: int = 64
    """Of validation pictures, for the cheap scores."""


@dataclass(frozen=True)
class Speed:
    """What was measured of a candidate; 0 where it was not."""

    step_s: float
    peak_bytes: int
    checkpointed_step_s: float = 0.0
    """With checkpointing, of one that runs without."""


@dataclass(frozen=True)
class ProbeFindings:
    """What a probe found."""

    evidence: ProbeEvidence
    field: Field
    speeds: Mapping[Candidate, Speed]
    gone: Mapping[Candidate, tuple[int, Candidate]]
    """Who went, after which step, and by whom it was dominated."""
    steps: tuple[int, ...]
    """The ends of the stages that were run."""
    decision: Decision
    cheap: TensorScores
    path: PathScores | None = None
    """Of the first stage of the candidate that trains everything; None where there is none, or an earlier call
    scored it with other crops."""


def run_probe(plan: ProbePlan, *, tell: Tell) -> ProbeFindings:
    """Train and score whatever of `plan` is not done yet, and return what all of it says.

    Args:
        plan: what is asked for.
        tell: takes one line of progress.

    Raises:
        UserError: options, data, patterns or a folder that cannot be used; before the first step where possible.
        InterruptedStudy: SIGINT or SIGTERM; the same call goes on.
    """
    field = settle(plan.candidates, plan.base, plan.budget)
    for words in field.left_out:
        tell(f"left out {words}")
    judge = open_judge(plan.base)
    lacking = [name for name in PAIR if name not in judge.metrics]
    if lacking:
        raise StudyError(
            f"val.metrics: a probe judges {' and '.join(PAIR)} as a pair; add {lacking[0]}: "
            f"{{type: calculate_{lacking[0]}, crop_border: {plan.base.scale}}}"
        )
    check_writable(plan.folder, flag="--out")
    with _alone_in(plan.folder), _Stop() as stop:
        return _Probe(plan, field, judge, tell, stop).run()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    lock = folder / ".probe.lock"
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(lock))
        except BlockingIOError as error:
            raise StudyError(f"{shown(folder)}: another probe works here; choose another --out") from error
        except OSError as error:
            raise StudyError(f"{shown(lock)} cannot be locked ({error.strerror}); choose another --out") from error
        yield


class _Stop(StopSignals):
    """Ends the probe between two steps."""

    def __init__(self) -> None:
        super().__init__(
            first="stopping after this step, with a save; once more leaves at once, without",
            second="left at once; the same command goes on from the last stage that was scored",
        )

    def check(self) -> None:
        """Raise InterruptedStudy where there was a signal."""
        if self.number is not None:
            raise InterruptedStudy(128 + self.number)


class _Probe:
    """Makes the runs of a probe in its folder."""

    def __init__(self, plan: ProbePlan, field: Field, judge: Judge, tell: Tell, stop: _Stop) -> None:
        self._plan, self._field, self._judge, self._tell, self._stop = plan, field, judge, tell, stop
        self._journal = Journal(plan.folder)
        pictures = TrainingBatches(plan.base, pin_memory=False)
        self._journal.claim(probe_identity(plan.base, plan.stages, judge, pictures=pictures.in_words()))
        self._finished: dict[tuple[ShortRun, int], Finished] = {}
        self._base = with_one_base(plan.base, plan.folder)

    def run(self) -> ProbeFindings:
        """Go through the stages."""
        base = self._keep(BASE, lambda: Finished(self._judge.score(load_base_generator(self._plan.base)), 0.0))
        self._tell("scored the base")
        cheap = self._cheap_scores()
        self._stop.check()
        left, gone, steps = list(self._field.candidates), {}, []
        for step in self._plan.stages.ends:
            self._run_stage(left, step)
            steps.append(step)
            evidence = self._evidence(base.scores)
            went = dominated(evidence, left, step)
            gone |= {one: (step, by) for one, by in went.items()}
            left = [one for one in left if one not in went]
            for one, by in went.items():
                self._tell(f"after {step} steps {one.label} goes: dominated by {by.label}")
            if len(left) == 1:
                break
        self._remove_tapes()
        evidence = self._evidence(base.scores)
        decision = decide(evidence, left, self._field.costs, steps)
        return ProbeFindings(
            evidence, self._field, self._speeds(), gone, tuple(steps), decision, cheap, self._path_scores()
        )

    def _cheap_scores(self) -> TensorScores:
        crops = self._plan.crops
        name = f"cheap_{crops}_crops"
        known = self._journal.find_record(name)
        if known is not None:
            return TensorScores.from_record(known)
        found = score_tensors(CropGradients.of(self._plan.base, self._judge.pairs, crops=crops))
        self._journal.keep_record(name, found.record())
        return found

    def _run_stage(self, left: Sequence[Candidate], step: int) -> None:
        runs = [ShortRun(candidate, seed) for seed in self._plan.seeds for candidate in left]
        self._tell(f"to step {step}: {count_of(len(runs), 'run')} of {count_of(len(left), 'candidate')}")
        for index, run in enumerate(runs, start=1):
            self._finished[run, step] = self._keep(run.scores_name(step), lambda run=run: self._train(run, step))
            self._tell(f"  {index} of {len(runs)}: {run.candidate.label}, seed {run.seed}")

    def _train(self, run: ShortRun, step: int) -> Finished:
        cost = self._field.costs[run.candidate]
        base = with_recomputing(self._base) if cost.checkpointing else self._base
        options = run.options(base, self._plan.stages, self._plan.folder)
        folder = self._plan.folder / "pairs" / f"seed{run.seed}"
        record_pairs(options, folder, tell=self._tell, check_stop=self._stop.check)
        trained = train_to(options, PairTape(folder), until=step, check_stop=self._stop.check)
        if cost.checkpointed is not None:
            self._time_checkpointed(run, PairTape(folder))
        if self._is_whole(run) and step == self._plan.stages.ends[0]:
            self._follow_path(trained.network)
        return Finished(self._judge.score(trained.network), trained.step_s, trained.peak_bytes)

    def _time_checkpointed(self, run: ShortRun, tape: PairTape) -> None:
        """Checkpointing changes no number of a run, only its pace: a few steps tell it."""
        name = _pace_name(run.candidate)
        if self._journal.find_record(name) is None:
            options = run.options(with_recomputing(self._base), self._plan.stages, self._plan.folder)
            self._journal.keep_record(name, {"step_s": time_step(options, tape)})

    def _is_whole(self, run: ShortRun) -> bool:
        """Whether it is the first run of the candidate that trains everything."""
        return run.seed == self._plan.seeds[0] and self._field.trains[run.candidate] == self._field.parameters

    def _follow_path(self, trained: nn.Module) -> None:
        gradients = CropGradients.of(self._base, self._judge.pairs, crops=self._plan.crops)
        self._journal.keep_record(self._path_name, score_path(gradients, trained).record())

    def _path_scores(self) -> PathScores | None:
        known = self._journal.find_record(self._path_name)
        return None if known is None else PathScores.from_record(known)

    @property
    def _path_name(self) -> str:
        return f"path_{self._plan.crops}_crops"

    def _keep(self, name: str, make: Callable[[], Finished]) -> Finished:
        known = self._journal.find(name)
        if known is None:
            known = make()
            self._journal.keep(name, known)
        return known

    def _evidence(self, base: Scores) -> ProbeEvidence:
        return ProbeEvidence(base, {key: one.scores for key, one in self._finished.items()}, self._judge.scenes)

    def _speeds(self) -> dict[Candidate, Speed]:
        found: dict[Candidate, Speed] = {}
        for candidate in self._field.candidates:
            rows = [one for (run, _), one in self._finished.items() if run.candidate == candidate]
            times = [one.step_s for one in rows if one.step_s]
            other = self._journal.find_record(_pace_name(candidate)) or {"step_s": 0.0}
            peak = max(one.peak_bytes for one in rows)
            found[candidate] = Speed(median(times) if times else 0.0, peak, other["step_s"])
        return found

    def _remove_tapes(self) -> None:
        """What the probe made of the pictures it can make again, bit by bit; no one else needs it."""
        shutil.rmtree(self._plan.folder / "pairs", ignore_errors=True)


def _pace_name(candidate: Candidate) -> str:
    return f"pace_{candidate.slug}_checkpointed"
