"""Runs one after the other: each starts from the best weights that the one before leaves.

All stages are checked before the first step of the first one. A resumed chain passes over the stages that are finished.
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from realesrgan_arch.dry_run import dry_run
from realesrgan_arch.dry_run_report import DryRunReport
from realesrgan_arch.errors import EXIT_CHECK_FAILED, EXIT_OK, UserError
from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.chain import ChainError, check_numbers, for_stage
from realesrgan_arch.options.types import Options
from realesrgan_arch.session import check_start, train
from realesrgan_arch.torchrun import Place
from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.outcome import Outcome
from realesrgan_arch.training.resume import began_from_base
from realesrgan_arch.training.together import run_folder_of
from realesrgan_arch.training.validation import score_rules
from realesrgan_arch.training.whole_chain import compare_ends

Tell = Callable[[str], None]
_ENTRIES_OF_OURS = ("params", "params_ema")


def train_stages(
    stages: Sequence[Options], *, allow_changed: Sequence[str] = (), place: Place | None = None, say: Tell, note: Tell
) -> int:
    """Train every stage in its order; a stage that ends with another exit code than 0 is the last one.

    Args:
        stages: see `options.chain.load_chain`; one is a chain, too.
        allow_changed: see `session.train`; `2:KEY` is for the second stage only.
        place: of this process among those that train together; the first one speaks for all.
        say: takes the summary of each stage.
        note: takes what happens between them.

    Returns:
        the exit code of the last stage that was trained.

    Raises:
        UserError: what a stage lacks; of all stages before the first step where that can be known.
    """
    place = place or Place()
    chain = _Chain(stages, place, say=say, note=note)
    with place.said_once():
        check_numbers(allow_changed, count=len(stages))
        check_base(stages[0])
    if place.speaks:
        _check_later_stages(chain.linked)
    return chain.train(allow_changed)


def dry_run_stages(
    stages: Sequence[Options], *, allow_changed: Sequence[str] = (), as_json: bool = False, say: Tell, note: Tell
) -> int:
    """Make a dry run of each stage; one whose weights an earlier stage has yet to make starts from drawn ones.

    Args:
        stages: see `options.chain.load_chain`; one is a chain, too.
        allow_changed: see `train_stages`.
        as_json: of one stage an object, of several a list of them.
        say: takes what each dry run has found.
        note: takes what is said about the stages.

    Returns:
        the exit code: 4 where one has found a problem.

    Raises:
        UserError: what would stop a stage before or in its first steps.
    """
    check_numbers(allow_changed, count=len(stages))
    check_base(stages[0])
    several = len(stages) > 1
    reports: list[DryRunReport] = []
    for number, options in enumerate(link_stages(stages), 1):
        ready = options if number == 1 else _ready_for_dry_run(options, number, note)
        reports.append(dry_run(ready, allow_changed=for_stage(allow_changed, number)))
        if not as_json:
            say(
                f"stage {number} of {len(stages)} ({options.name})\n{reports[-1].text()}\n"
                if several
                else reports[-1].text()
            )
    if as_json:
        texts = [report.json() for report in reports]
        say(f"[{', '.join(texts)}]" if several else texts[0])
    return EXIT_CHECK_FAILED if any(report.all_problems() for report in reports) else EXIT_OK


def link_stages(stages: Sequence[Options]) -> tuple[Options, ...]:
    """Return the options of all stages, each with the weights of the one before as its `path.pretrain_network_g`."""
    linked = [stages[0]]
    for options in stages[1:]:
        linked.append(_starting_from(best_weights_of(linked[-1], asked=options.path.pretrain_network_g), options))
    return tuple(linked)


def best_weights_of(options: Options, *, asked: str | None = None) -> Path:
    """Return the file that a run leaves for the next stage, which is known before it is there.

    The composite decides which weights are the best, as in the summary of a run, unless the next stage asks for those
    of one metric: `asked` is then a path of the name `net_g_best_psnr.pth`, or `net_g_latest.pth` for the last ones. A
    run that does not validate leaves the last ones only.
    """
    folder = run_folder_of(options)
    latest = folder.weights("net_g", None)
    if options.val is None or not options.datasets.validation_sets():
        return latest
    best = [folder.weights("net_g", f"best_{metric}") for metric in (COMPOSITE, *score_rules(options).metrics)]
    name = Path(asked).name if asked else ""
    return next((file for file in (*best, latest) if file.name == name), best[0])


def check_base(options: Options) -> None:
    """Check that weights which another run should leave are there.

    Raises:
        ChainError: they are not; with both ways to get them.
    """
    source = options.path.pretrain_network_g
    path = Path(source) if source else Path()
    if not source or path.expanduser().exists() or path.parent.name != "models" or not path.name.startswith("net_g_"):
        return
    raise ChainError(
        f"path.pretrain_network_g: expected the weights of the run {path.parent.parent.name}, got no file "
        f"{shown(path)}; train that run first, both with `train.py -opt <file of {path.parent.parent.name}>.yml <this "
        "file>.yml`, or name other weights with --set path.pretrain_network_g=FILE"
    )


def _ready_for_dry_run(options: Options, number: int, note: Tell) -> Options:
    if _has_base(options):
        return _settled(options)
    absent = f"stage {number} will start from {_base_of(options)}, which is not there yet: its dry run draws weights"
    has_distance = options.train is not None and options.train.base_opt is not None
    note(f"{absent} and leaves train.base_opt out, so it needs a little less" if has_distance else absent)
    return _without_base(options)


class _Chain:
    """The stages on their way, as one process trains them."""

    def __init__(self, stages: Sequence[Options], place: Place, *, say: Tell, note: Tell) -> None:
        self.linked = link_stages(stages)
        self._files_base = [options.path.pretrain_network_g for options in stages]
        self._place = place
        self._say, self._note = (say, note) if place.speaks else (_silent, _silent)

    def train(self, allow_changed: Sequence[str]) -> int:
        """Train all stages, and return the last exit code."""
        code, first = EXIT_OK, None
        for number, options in enumerate(self.linked, 1):
            with self._place.said_once():
                ready = self._ready(options, number) if number > 1 else options
            outcome = train(
                ready, allow_changed=for_stage(allow_changed, number), place=replace(self._place, meeting=number)
            )
            code = outcome.exit_code
            self._tell_end(outcome, number)
            if first is not None and (number == len(self.linked) or code != EXIT_OK):
                self._tell_whole(first, outcome)
            first = first or outcome
            del outcome
            gc.collect()  # networks and optimisers of this stage, which refer to one another
            if code != EXIT_OK:
                break
        return code

    def _ready(self, options: Options, number: int) -> Options:
        if not _has_base(options):
            raise ChainError(
                f"stage {number - 1} has left no {_base_of(options)}, from which stage {number} starts: none of its "
                f"validations had a score; start stage {number} alone from other weights with --set "
                "path.pretrain_network_g=FILE"
            )
        told = self._files_base[number - 1]
        instead = f" instead of {told}" if told not in (None, options.path.pretrain_network_g) else ""
        self._note(f"{self._title(number)} starts from {_base_of(options)}{instead}")
        settled = _settled(options)
        if settled.resume_from != options.resume_from and _has_begun(options):
            self._note(f"the older run {options.name} began from other weights: it is moved aside")
        return settled

    def _tell_end(self, outcome: Outcome, number: int) -> None:
        is_last = number == len(self.linked)
        if not outcome.is_new and outcome.exit_code == EXIT_OK and not is_last:
            self._note(f"{self._title(number)} is finished")
            return
        of_its_own = f"\nbase     what stage {number - 1} left" if number > 1 and outcome.quality.judgement else ""
        self._say(f"{outcome.summary()}{of_its_own}")
        if outcome.exit_code != EXIT_OK and not is_last:
            self._note(f"{self._title(number)} ended with exit code {outcome.exit_code}: stage {number + 1} is left")

    def _tell_whole(self, first: Outcome, last: Outcome) -> None:
        if self.linked[0].path.pretrain_network_g is not None and (words := compare_ends(first, last)):
            self._say(words)

    def _title(self, number: int) -> str:
        return f"stage {number} of {len(self.linked)} ({self.linked[number - 1].name})"


def _check_later_stages(linked: Sequence[Options]) -> None:
    """Build the parts of each later stage once, from drawn weights, as those of the stage before are yet to come.

    A stage that has begun was checked when it began, and its disk holds what it has written since.
    """
    for number, options in enumerate(linked[1:], 2):
        if options.resume_from == "auto" and _has_begun(options):
            continue
        try:
            check_start(_without_base(options))
        except UserError as error:
            named = ChainError(f"stage {number} ({options.name}): {error}")
            named.exit_code = error.exit_code
            raise named from error
        gc.collect()


def _starting_from(weights: Path, options: Options) -> Options:
    """Return `options` with `weights` of ours; a key that names an entry of another program's file goes."""
    key = options.path.param_key_g if options.path.param_key_g in _ENTRIES_OF_OURS else None
    path = options.path.model_copy(update={"pretrain_network_g": str(weights), "param_key_g": key})
    return options.model_copy(update={"path": path})


def _settled(options: Options) -> Options:
    """Return `options`, which begin anew where an older run of the name began from other weights."""
    if options.resume_from == "auto" and not began_from_base(options, run_folder_of(options)):
        return options.resuming("none")
    return options


def _without_base(options: Options) -> Options:
    """Return `options` that draw weights; a distance to a base goes with it."""
    path = options.path.model_copy(update={"pretrain_network_g": None})
    train = options.train.model_copy(update={"base_opt": None}) if options.train else None
    return options.resuming("none").model_copy(update={"path": path, "train": train})


def _has_base(options: Options) -> bool:
    return Path(options.path.pretrain_network_g or "").is_file()


def _base_of(options: Options) -> str:
    return shown(Path(options.path.pretrain_network_g or ""))


def _has_begun(options: Options) -> bool:
    return bool(read_manifests(run_folder_of(options)))


def _silent(text: str) -> None:
    del text
