"""The checkpoints of processes that train together: the first rank has the files, every rank has its part in them."""

from collections.abc import Callable, Mapping
from typing import Protocol

from realesrgan_arch.training.checkpoint_store import State, Stateful, Trained, Weights
from realesrgan_arch.training.ranks import Ranks, checksum

_OTHER_POOLS = "pools_of_other_ranks"
_DRIFTED = "they were the same at the start: go on from the last checkpoint with --resume auto, on machines of one kind"


class Store(Protocol):
    """What the loop asks of the checkpoints of a run."""

    def save(self, model: Trained, step: int) -> None:
        """Write weights, state and extras of `step`."""
        ...

    def save_extras(self, step: int) -> None:
        """Write what has changed beside the model since `save`."""
        ...

    def save_latest(self, model: Trained) -> None:
        """Write the weights of the end of a run."""
        ...

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint, or None."""
        ...

    def load(self, step: int) -> dict[str, object]:
        """Return the state of the model at `step`."""
        ...

    def restore_extras(self, step: int) -> None:
        """Give what was saved beside the model at `step`, or last before it, to those that it is of."""
        ...

    def discard_after(self, step: int) -> None:
        """Make `step` the newest checkpoint."""
        ...

    def tidy(self) -> list[str]:
        """Finish what a killed process began; return words for the user."""
        ...


class RanksStore:
    """A store whose every call is a meeting of all ranks; the first one reads and writes, and hands out.

    Pair pools differ from rank to rank: they are gathered into the one state, so that it needs no file system that
    all machines share.

    Args:
        store: of the first rank; those of the others are never written to.
        ranks: who meets.
        extras: those of the store, whose state the first rank reads for all.
    """

    def __init__(self, store: Store, ranks: Ranks, *, extras: Mapping[str, Stateful]) -> None:
        self._store = store
        self._ranks = ranks
        self._extras = dict(extras)

    def save(self, model: Trained, step: int) -> None:
        """Write weights, state and extras of `step`.

        Raises:
            RanksError: the ranks' weights are not the same any more.
            CheckpointError: as the store's.
        """
        state = model.state()
        self._ranks.check_same(weight_sums(model.weights()), remedy=_DRIFTED)
        pools = self._ranks.gather_on_first(state.get("pool"))
        self._ranks.on_first(lambda: self._store.save(_Gathered(model, {**state, _OTHER_POOLS: pools[1:]}), step))

    def save_extras(self, step: int) -> None:
        """Write what has changed beside the model since `save`."""
        self._ranks.on_first(lambda: self._store.save_extras(step))

    def save_latest(self, model: Trained) -> None:
        """Write the weights of the end of a run."""
        self._ranks.on_first(lambda: self._store.save_latest(model))

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint, or None."""
        return self._ranks.on_first(self._store.newest_step)

    def load(self, step: int) -> dict[str, object]:
        """Return the state at `step` with this rank's own pool."""
        return load_for_all(self._ranks, lambda: self._store.load(step))

    def restore_extras(self, step: int) -> None:
        """Give what was saved beside the model at `step`, or last before it, to those that it is of, on every rank."""
        self._ranks.on_first(lambda: self._store.restore_extras(step))
        said = self._ranks.from_first({name: extra.state_dict() for name, extra in self._extras.items()})
        for name, extra in self._extras.items() if not self._ranks.is_first else ():
            extra.load_state_dict(said[name])

    def discard_after(self, step: int) -> None:
        """Make `step` the newest checkpoint."""
        self._ranks.on_first(lambda: self._store.discard_after(step))

    def tidy(self) -> list[str]:
        """Finish what a killed process began; return words for the user."""
        return self._ranks.on_first(self._store.tidy)


def load_for_all(ranks: Ranks, load: Callable[[], Mapping[str, object]]) -> dict[str, object]:
    """Return on every rank the state that the first one loads, with this rank's own pool in it.

    Of a state of another number of ranks no pool is taken: whose it was has no meaning any more. Whether such a state
    may be used at all is asked later, by its identity.
    """
    if not ranks.are_many:
        return dict(load())
    loaded: dict = {}

    def read_common() -> dict[str, object]:
        loaded.update(load())
        return {key: value for key, value in loaded.items() if key not in ("pool", _OTHER_POOLS)}

    common = ranks.on_first(read_common)
    pools = [loaded.get("pool"), *loaded.get(_OTHER_POOLS, [])]
    mine = ranks.scatter(pools if len(pools) == ranks.world_size else [None] * ranks.world_size)
    return {**common, "pool": mine}


class _Gathered:
    """The model of the first rank with the state of all."""

    def __init__(self, model: Trained, state: State) -> None:
        self._model = model
        self._state = dict(state)

    def weights(self) -> Mapping[str, Weights]:
        return self._model.weights()

    def state(self) -> dict[str, object]:
        return self._state

    def resume_training(self, resume_state: State) -> None:
        self._model.resume_training(resume_state)


def weight_sums(weights: Mapping[str, Weights]) -> dict[str, str]:
    """Return a checksum of each network and average, by its name."""
    named = {f"{network} {kind}": tensors for network, kinds in weights.items() for kind, tensors in kinds.items()}
    return {name: checksum(tensors) for name, tensors in named.items()}
