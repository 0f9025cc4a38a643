"""What is saved when a run breaks off: the state after the last whole step, the weights, what happened and where."""

import itertools
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.image_header import shown
from realesrgan_arch.training.checkpoint import save_state, save_weights
from realesrgan_arch.training.model import FineTuneModel

logger = logging.getLogger(__name__)


@contextmanager
def crash_saved(
    model: FineTuneModel, *, environment: Callable[[], str], write: Callable[[str], None]
) -> Iterator[None]:
    """Save to `crash/` of the run when the block raises, say where, and let the error pass on as it is.

    A stop by a signal is a `KeyboardInterrupt` and saves nothing here: the first one has saved its state, the second
    one wants to leave at once. What a resume finds by itself is not touched.

    Args:
        model: that trains in the block.
        environment: describes the machine and the packages as JSON, for `environment.json`.
        write: shows a line.
    """
    try:
        yield
    except Exception as error:
        if model.last_whole_step > 0:
            write(_save(model, error, environment))
        raise


def _save(model: FineTuneModel, error: Exception, environment: Callable[[], str]) -> str:
    """Save each part by itself, so that one which fails takes none of the others with it; return words for the user.

    The pool of pairs may hold the batch of the broken step already; all else is as it was after the last whole one.
    """
    step = model.last_whole_step
    folder = _free_folder(model.run_folder.crash, step)
    text = "".join(traceback.format_exception(error))
    parts: dict[str, Callable[[], object]] = {
        "traceback.txt": lambda: write_text(folder / "traceback.txt", text),
        f"{step}.state": lambda: save_state(folder / f"{step}.state", {**model.state(), "iter": step}),
        "net_g.pth": lambda: save_weights(folder / "net_g.pth", **model.weights()["net_g"]),
        "environment.json": lambda: write_text(folder / "environment.json", environment()),
    }
    failures = [f"{name} ({reason})" for name, save in parts.items() if (reason := _failure_of(save))]
    if len(failures) == len(parts):
        return f"the run broke off after step {step}, and nothing could be saved: {', '.join(failures)}"
    missing = f", without {', '.join(failures)}" if failures else ""
    return (
        f"the run broke off after step {step}: its state is in {shown(folder)}{missing}; it is not resumed by itself: "
        "go on from the newest checkpoint with --resume auto, or from this one with path.resume_state"
    )


def _failure_of(save: Callable[[], object]) -> str:
    """Return why `save` failed, or an empty string; the error that broke the run must not be hidden by another one."""
    try:
        save()
    except Exception as failure:
        logger.debug("while saving a crash", exc_info=True)
        return str(failure) or type(failure).__name__
    return ""


def _free_folder(crashes: Path, step: int) -> Path:
    names = itertools.chain([f"step_{step}"], (f"step_{step}_{number}" for number in itertools.count(2)))
    return next(folder for folder in map(crashes.joinpath, names) if not folder.exists())
