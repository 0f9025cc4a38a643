"""Where a run goes on from, and whether that is still the same run: decided before anything is written."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from realesrgan_arch.data.list_hash import hash_training_set, hash_validation_sets
from realesrgan_arch.image_header import shown
from realesrgan_arch.losses.features import FeatureLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint import CheckpointError, load_state
from realesrgan_arch.training.checkpoint_manifest import is_whole, read_manifests
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.ranks_store import Store, load_for_all
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_record import check_known, describe_changes, differences
from realesrgan_arch.training.trainer import Rhythm

State = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Where a state is."""

    path: Path
    is_own: bool
    """Below the run's own folder; a state from elsewhere begins a new folder."""
    is_checkpoint: bool
    """Of the run's own folder: a second resume finds it by itself. Not so what a crash left, or what was superseded."""


@dataclass(frozen=True)
class Found:
    """A state to go on from."""

    source: Source
    state: State

    @property
    def num_parts(self) -> int | None:
        """Return in how many parts the run took its batches; None where the state does not say."""
        number = self.state["record"]["train"].get("accumulate")
        return number if isinstance(number, int) else None


@dataclass(frozen=True)
class Resumed:
    """A run that goes on."""

    source: Source
    step: int
    words: str
    """What changed since, and what starts anew; empty without."""


def find_state(options: Options, run_folder: RunFolder, ranks: Ranks) -> Found | None:
    """Return the state that `options` ask for; None where the run starts at step 0.

    Args:
        options: say where to go on from.
        run_folder: of the run; it need not be there.
        ranks: that train together; the first one finds and reads the state for all, each has its own pool in it.

    Raises:
        CheckpointError: no state there, or a damaged one.
    """
    state: State = {}

    def find_once() -> Source | None:
        found = _find(options.resume_from, run_folder, options.name)
        state.update(found[1] if found else {})
        return _source(found[0], run_folder) if found else None

    source = ranks.on_first(find_once)
    return None if source is None else Found(source, load_for_all(ranks, lambda: state))


def resume(model: FineTuneModel, options: Options, found: Found, *, allow_changed: Sequence[str] = ()) -> Resumed:
    """Give `model`, which is described already, the state that was found.

    Args:
        model: freshly built from `options`.
        options: of the run.
        found: see `find_state`.
        allow_changed: keys that may have changed although they make it another run; see `run_record`.

    Raises:
        CheckpointError: it is the state of another run.
    """
    source, state = found.source, found.state
    check_known(allow_changed, state["record"], model.record())
    changes = differences(state["record"], model.record())
    model.resume_training(state, allow_changed=allow_changed)
    words = [describe_changes(changes)] if changes else []
    if _schedule_restarts(options, state, is_own=source.is_own):
        model.schedule_start = model.step
        words.append(f"the schedule of the learning rate starts anew after step {model.step}")
    if source.is_own and not source.is_checkpoint:
        words.append(f"this state was no checkpoint of the run; now it is saved as that of step {model.step}")
    return Resumed(source, model.step, "\n".join(words))


def take_up(store: Store, model: FineTuneModel, source: Source) -> None:
    """Make the state that `model` has from its run's own folder the newest checkpoint; later ones are superseded.

    Raises:
        NotSavedError: a disk that does not take it.
    """
    store.restore_extras(model.step)
    if not source.is_checkpoint:
        # A checkpoint of the same step is set aside like later ones: a save would replace it.
        store.discard_after(model.step - 1)
        store.save(model, model.step)
    store.discard_after(model.step)


def data_facts(options: Options, batches: TrainingBatches, base: nn.Module, losses: Losses) -> dict[str, object]:
    """Return what a run is besides its options: the files of its data, and the weights of its base and its losses."""
    if options.datasets.train is None:
        raise ValueError("expected options with datasets.train")
    sets = hash_validation_sets(options) if options.val else {}
    files = {"train": hash_training_set(batches.dataset, options.datasets.train), **sets}
    return {
        "datasets": {key: {"files": value} for key, value in files.items()},
        "path": {"base_weights": _hash_weights(base)},
        "train": {key: {"loaded_weights": _hash_weights(network)} for key, network in _loss_networks(losses)},
    }


def is_finished(model: FineTuneModel, rhythm: Rhythm, *, validated_step: int) -> bool:
    """Return whether nothing is left to do: all steps and the last validation are done, and the last weights are there.

    A run that was killed after its last checkpoint still lacks some of that.
    """
    step = model.step
    validated = validated_step >= step or not rhythm.is_due(step, rhythm.validate_every)
    return step >= rhythm.total_steps and validated and _has_latest(model)


def began_from_base(options: Options, run_folder: RunFolder) -> bool:
    """Return whether the run began from the weights that `options` name; a run without a checkpoint has yet to begin.

    Raises:
        UserError: weights that cannot be read.
    """
    found = _newest(run_folder)
    if found is None:
        return True
    now = _hash_weights(load_base_generator(options))
    return found[1]["record"]["path"].get("base_weights", now) == now


def _source(path: Path, run_folder: RunFolder) -> Source:
    place, root = path.resolve(), run_folder.root.resolve()
    manifests = [one for one in read_manifests(run_folder).values() if place == run_folder.state(one.step).resolve()]
    is_checkpoint = any(is_whole(run_folder, manifest) for manifest in manifests)
    return Source(path, is_own=place.is_relative_to(root), is_checkpoint=is_checkpoint)


def _find(wanted: str | Path, run_folder: RunFolder, name: str) -> tuple[Path, State] | None:
    match wanted:
        case "none":
            return None
        case "auto":
            return _newest(run_folder)
        case _:
            return _find_at(Path(wanted), name)


def _find_at(path: Path, name: str) -> tuple[Path, State]:
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


def _newest(run_folder: RunFolder) -> tuple[Path, State] | None:
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


def _loss_networks(losses: Losses) -> Iterator[tuple[str, nn.Module]]:
    """Yield the networks whose weights the user may name, by the section that does."""
    if losses.perceptual is not None:
        yield "perceptual_opt", losses.perceptual.network
    yield from (("feature_opt", term.network) for term in losses.more.values() if isinstance(term, FeatureLoss))


def _hash_weights(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:12]
