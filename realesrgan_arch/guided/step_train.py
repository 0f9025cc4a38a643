"""Step 6: the training run, which goes on from its newest checkpoint."""

from pathlib import Path

from realesrgan_arch.dry_run_report import say_seconds
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.own_options import load_own_options
from realesrgan_arch.image_header import shown
from realesrgan_arch.session import train

NAME = "train"


def weights_of(work: Work) -> Path:
    """Return the best weights of the run, or the latest where nothing could be judged."""
    return work.folder.root / work.facts(NAME)["weights"]


def _inputs(work: Work) -> object:
    options = hash_file(work.folder.options)
    return {"options": options, "split": work.facts("split")["digest"], "base": work.base.sha256}


def _aim(work: Work) -> str:
    begun = "going on from the newest checkpoint" if work.folder.has_training_begun() else "from the base"
    return f"{shown(work.folder.options)}, {begun}; Ctrl-C saves and stops"


def _make(work: Work) -> Facts:
    loaded = load_own_options(work)
    for note in loaded.notes:
        work.talk.say(f"  note: {note}")
    if not work.folder.has_training_begun():
        work.talk.confirm(f"train now, for about {say_seconds(work.facts('rehearse')['seconds'])}?")
    outcome = train(loaded.options.resuming("auto"))
    best = outcome.quality.best or outcome.weights
    return {
        "weights": best.resolve().relative_to(work.folder.root.resolve()).as_posix(),
        "sha256": hash_file(best),
        "judgement": outcome.quality.judgement or "nothing was judged",
        "exit_code": outcome.exit_code,
    }


def _told(facts: Facts) -> str:
    return f"on the validation scenes: {facts['judgement']}; weights {facts['weights']}"


def _holds(work: Work, facts: Facts) -> bool:
    path = work.folder.root / facts["weights"]
    return path.is_file() and hash_file(path) == facts["sha256"]


TRAIN = Step(
    name=NAME,
    depends="the option file, the split or the base has",
    inputs=_inputs,
    aim=_aim,
    make=_make,
    told=_told,
    holds=_holds,
)
