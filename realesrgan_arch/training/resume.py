"""Where a run goes on from, and whether that is still the same run: decided before anything is written."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from realesrgan_arch.data.list_hash import hash_training_set, hash_validation_sets
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.checkpoint import CheckpointError, load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.ranks_store import load_for_all
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_record import describe_changes, differences
from realesrgan_arch.training.trainer import Rhythm

State = dict[str, Any]
Found = tuple[Path, State]


@dataclass(frozen=True)
class Resumed:
    """A run that goes on."""

    source: Path
    step: int
    is_own: bool
    """The state is of this run's folder; that of another run begins a new folder."""
    words: str
    """What changed since, and what starts anew; empty without."""


def resume(
    model: FineTuneModel, options: Options, *, allow_changed: Sequence[str] = (), ranks: Ranks | None = None
) -> Resumed | None:
    """Give `model`, which is described already, the state that `options` ask for; None where it starts at step 0.

    Args:
        model: freshly built from `options`, with a run folder.
        options: say where to go on from.
        allow_changed: keys that may have changed although they make it another run; see `run_record`.
        ranks: that train together; the first one finds and reads the state for all.

    Raises:
        CheckpointError: no state there, a damaged one, or one of another run.
    """
    ranks = ranks or Ranks.single()
    found = _find_for_all(ranks, lambda: _find(options.resume_from, model.run_folder, options.name))
    if found is None:
        return None
    source, state = found
    is_own = ranks.from_first(source.parent.resolve() == model.run_folder.states.resolve())
    changes = differences(state["record"], model.record())
    model.resume_training(state, allow_changed=allow_changed)
    words = [describe_changes(changes)] if changes else []
    if _schedule_restarts(options, state, is_own=is_own):
        model.schedule_start = model.step
        words.append(f"the schedule of the learning rate starts anew after step {model.step}")
    return Resumed(source, model.step, is_own, "\n".join(words))


def earlier_options(options: Options, run_folder: RunFolder) -> Path | None:
    """Return the option file of the run that `options` go on with; it need not be there. None for a new run."""
    match options.resume_from:
        case "none":
            return None
        case "auto":
            return run_folder.root / "options.yml"
        case _ as path:
            folder = Path(path) if Path(path).is_dir() else Path(path).parent.parent
            return folder / "options.yml"


def data_facts(options: Options, batches: TrainingBatches, base: nn.Module) -> dict[str, object]:
    """Return what a run is besides its options: the files of its data, and the weights that it is compared with."""
    if options.datasets.train is None:
        raise ValueError("expected options with datasets.train")
    sets = hash_validation_sets(options) if options.val else {}
    files = {"train": hash_training_set(batches.dataset, options.datasets.train), **sets}
    return {
        "datasets": {key: {"files": value} for key, value in files.items()},
        "path": {"base_weights": _hash_weights(base)},
    }


def is_finished(model: FineTuneModel, rhythm: Rhythm, *, validated_step: int) -> bool:
    """Return whether nothing is left to do: all steps and the last validation are done, and the last weights are there.

    A run that was killed after its last checkpoint still lacks some of that.
    """
    step = model.step
    validated = validated_step >= step or not rhythm.is_due(step, rhythm.validate_every)
    return step >= rhythm.total_steps and validated and _has_latest(model)


def _find_for_all(ranks: Ranks, find: Callable[[], Found | None]) -> Found | None:
    """Return on every rank what the first one finds, with the rank's own pool in the state."""
    state: State = {}

    def find_once() -> Path | None:
        found = find()
        state.update(found[1] if found else {})
        return found[0] if found else None

    source = ranks.on_first(find_once)
    return None if source is None else (source, load_for_all(ranks, lambda: state))


def _find(wanted: str | Path, run_folder: RunFolder, name: str) -> Found | None:
    match wanted:
        case "none":
            return None
        case "auto":
            return _newest(run_folder)
        case _:
            return _find_at(Path(wanted), name)


def _find_at(path: Path, name: str) -> Found:
    """Return the state at `path`: a state, the folder of a run, or BasicSR's `experiments` with a run of this name."""
    if not path.is_dir():
        return path, load_state(path)
    folders = [RunFolder(folder) for folder in (path, path / name, path.parent) if RunFolder(folder).states.is_dir()]
    found = _newest(folders[0]) if folders else None
    if found is None:
        raise CheckpointError(
            f"expected a training state, a run's folder or a folder with the run {name} in it, got {shown(path)}, in "
            "which there is no whole checkpoint; check `resume`"
        )
    return found


def _newest(run_folder: RunFolder) -> Found | None:
    """Return the newest state that is whole; what a crash has left in `crash/` is none of the store's."""
    store = CheckpointStore(run_folder)
    step = store.newest_step()
    return None if step is None else (run_folder.state(step), store.load(step))


def _schedule_restarts(options: Options, state: State, *, is_own: bool) -> bool:
    """A state that was saved with the option has had its restart, so that a second resume goes on with the same."""
    if not require_train(options).restart_schedule:
        return False
    return not (is_own and state["record"]["train"].get("restart_schedule"))


def _has_latest(model: FineTuneModel) -> bool:
    path = model.run_folder.weights("net_g", None)
    if not path.exists():
        return False
    latest = torch.load(path, map_location="cpu", weights_only=True).get("params", {})
    now = model.weights()["net_g"]["params"]
    return latest.keys() == now.keys() and all(torch.equal(value, latest[name]) for name, value in now.items())


def _hash_weights(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:12]
