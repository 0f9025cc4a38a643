"""A whole training run: options in; weights, scores and a summary out."""

import json
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path

from realesrgan_arch import basicsr_bridge
from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.environment.collect import collect_environment
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.torchrun import Place
from realesrgan_arch.training import opening
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.crash import crash_saved
from realesrgan_arch.training.header import Start, run_header
from realesrgan_arch.training.image_faults import ImageFaults, SharedImageFaults
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.micro_batch import settle_accumulate, with_parts
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.next_step import proof_command
from realesrgan_arch.training.outcome import Outcome
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.resume import data_facts, find_state, is_finished, resume, take_up
from realesrgan_arch.training.rounds import ValidationRounds, open_validations
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from realesrgan_arch.training.together import (
    SIGNAL_ECHO_SECONDS,
    check_equal_start,
    hold_run_folder,
    meet,
    run_folder_of,
)
from realesrgan_arch.training.trainer import Trainer, Watch
from realesrgan_arch.training.verdict import Verdict


def train(
    options: Options,
    *,
    auto_resume: bool = False,
    allow_changed: Sequence[str] = (),
    place: Place | None = None,
    listens: bool = True,
) -> Outcome:
    """Train as `options` say and return where everything is.

    Args:
        options: with a `train` section; they say where to go on from, too.
        auto_resume: whatever they say, go on from the newest state of the run, if there is one.
        allow_changed: keys that may differ from those of the state although they change what the run means.
        place: of this process among those that train together; alone without one.
        listens: to signals, which end the run after its step, with a save; else they stay the caller's.

    Raises:
        UserError: data, weights or folders that cannot be used; before the first step where that can be known.
    """
    chosen = options.resuming("auto") if auto_resume else options
    with ExitStack() as held:
        ranks = held.enter_context(meet(options, place or Place()))
        ranks.on_first(lambda: check_manifests_apart(options.datasets))
        run_folder = hold_run_folder(options, ranks, held)
        return _Run(chosen, run_folder, ranks, allow_changed=allow_changed).train(listens=listens)


def check_start(options: Options, *, allow_changed: Sequence[str] = ()) -> None:
    """Check, alone, that all parts of the run work and that the state fits from which it goes on; writes nothing.

    Raises:
        UserError: what `train` would refuse to start with.
    """
    run_folder = run_folder_of(options)
    run_folder.check_place()
    check_manifests_apart(options.datasets)
    _Run(options, run_folder, Ranks.single(), allow_changed=allow_changed)


class _Run:
    """One run from its parts to its end.

    Nothing is written before all parts are known to work: a failed start leaves an older run where it is.
    """

    def __init__(self, asked: Options, run_folder: RunFolder, ranks: Ranks, *, allow_changed: Sequence[str]) -> None:
        # Every rank has options of its own, with its own paths; what they come to is the same for all.
        found = find_state(asked, run_folder, ranks)
        earlier = found.num_parts if found else None
        settled = ranks.on_first(lambda: settle_accumulate(asked, earlier=earlier, sharers=ranks.local_world_size))
        self._options = options = with_parts(asked, require_train(settled.options).num_parts)
        self._settled = settled.words
        self._ranks = ranks
        self._folder = run_folder
        self._rhythm = opening.rhythm_of(options)
        self._model = _build_model(options, run_folder, ranks)
        self._base = load_base_generator(options)
        self._batches = TrainingBatches(options, pin_memory=self._model.device.type == "cuda", ranks=ranks)
        self._validations = open_validations(options, ranks)
        self._model.describe(data_facts(options, self._batches, self._base, self._model.game.losses))
        self._resumed = resume(self._model, options, found, allow_changed=allow_changed) if found else None
        check_equal_start(options, self._model, self._batches, self._validations, ranks=ranks)
        ranks.on_first(lambda: opening.check_disk(options, self._model, goes_on=self._is_own_resume))

    def train(self, *, listens: bool) -> Outcome:
        """Train to the end, and return what is left."""
        archived = None if self._is_own_resume else self._folder.move_older_run_aside()
        self._folder.prepare()
        opening.write_effective_options(self._options, self._folder, num_ranks=self._ranks.world_size)
        progress = opening.open_progress(self._options, self._model)
        rounds = ValidationRounds(self._options, self._model, self._validations, progress)
        echo_seconds = SIGNAL_ECHO_SECONDS if self._ranks.are_many else 0
        stop = StopRequest(echo_seconds=echo_seconds, listens=listens)
        try:
            return self._train(progress, rounds, stop, archived)
        except StoppedBySignal as stopped:
            if self._ranks.is_first:
                raise
            raise SystemExit(stopped.exit_code) from stopped  # the first rank says it for all
        finally:
            progress.close()

    @property
    def _is_own_resume(self) -> bool:
        return self._resumed is not None and self._resumed.source.is_own

    def _train(self, progress: Progress, rounds: ValidationRounds, stop: StopRequest, archived: Path | None) -> Outcome:
        options, model = self._options, self._model
        numbers = opening.open_numbers_guard(options, model, progress)
        store = opening.open_store(options, model, numbers=numbers, rounds=rounds, progress=progress, stop=stop)
        faults = self._open_faults()
        for words in store.tidy():
            progress.write(words)
        if self._resumed is not None and self._resumed.source.is_own:
            take_up(store, model, self._resumed.source)
            ended = rounds.ended()
            nothing_left = is_finished(model, self._rhythm, validated_step=rounds.last_step)
            if ended.action == "finish" or self._ranks.from_first(nothing_left):
                return self._outcome(rounds, faults, ended, progress, is_new=False)
        self._greet(progress, archived)
        environment = partial(_describe_environment, self._folder.root)
        with stop:
            if self._resumed and not self._is_own_resume:
                store.save(model, model.step)  # this folder has nothing yet to go back to or to resume from
            self._score_base(rounds, progress, stop)
            watch = Watch(progress, faults, numbers, rounds, stop, self._ranks)
            trainer = Trainer(model, batches=self._batches, rhythm=self._rhythm, store=store, watch=watch)
            saved = crash_saved(model, environment=environment, write=progress.write)
            with saved if self._ranks.is_first else nullcontext():
                verdict = trainer.fit()
        return self._outcome(rounds, faults, verdict, progress)

    def _greet(self, progress: Progress, archived: Path | None) -> None:
        if self._options.resume_from == "auto" and self._resumed is None:
            progress.write("there is no older state to resume from: starting at step 0")
        data = opening.describe_data(self._batches, self._validations)
        source = str(self._resumed.source.path) if self._resumed else None
        progress.write(run_header(self._options, self._model, Start(data, self._batches.num_workers, archived, source)))
        if self._settled:
            progress.write(self._settled)
        if self._resumed and self._resumed.words:
            progress.write(self._resumed.words)
        if words := self._batches.shared_memory_warning():
            progress.warn(words)

    def _score_base(self, rounds: ValidationRounds, progress: Progress, stop: StopRequest) -> None:
        # Ranks that score together leave together: at the first step.
        leaving = nullcontext() if self._ranks.are_many else stop.at_once(self._model.step)
        with leaving, progress.timings.measure("base"):
            rounds.score_base(self._base)

    def _open_faults(self) -> ImageFaults:
        num_images = self._batches.num_images
        return SharedImageFaults(num_images, self._ranks) if self._ranks.are_many else ImageFaults(num_images)

    def _outcome(
        self,
        rounds: ValidationRounds,
        faults: ImageFaults,
        verdict: Verdict,
        progress: Progress,
        *,
        is_new: bool = True,
    ) -> Outcome:
        to_change = "raise train.total_iter" if verdict.action == "continue" else "change the rules in `val`"
        done = f"nothing is left to do: the run is finished at step {self._model.step}; {to_change} to go on"
        weights, quality = self._folder.weights("net_g", None), rounds.report()
        return Outcome(
            self._folder,
            weights,
            table=rounds.tables() if is_new else done,
            failed_files=faults.listing(),
            quality=quality,
            verdict=verdict,
            next_step=proof_command(self._options, quality.best or weights),
            timings=progress.timings,
            is_new=is_new,
        )


def _build_model(options: Options, run_folder: RunFolder, ranks: Ranks) -> FineTuneModel:
    model = ranks.machine_by_machine(lambda: basicsr_bridge.build_model(options, run_folder=run_folder))
    model.join(ranks)
    return model


def _describe_environment(folder: Path) -> str:
    return json.dumps(asdict(collect_environment(folder)), indent=2)
