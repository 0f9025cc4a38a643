"""The checkpoints of a run: written, found and read again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from torch import Tensor

from realesrgan_arch.atomic import write_text
from realesrgan_arch.training.checkpoint import load_state, save_state, save_weights
from realesrgan_arch.training.run_folder import RunFolder

State = Mapping[str, object]
Weights = Mapping[str, Mapping[str, Tensor]]
"""`params` and, with an average, `params_ema`, by the name of each tensor."""


class Trained(Protocol):
    """What a checkpoint is of: a model that trains."""

    def weights(self) -> Mapping[str, Weights]:
        """Return the weights of each network, `net_g` and perhaps `net_d`, as other tools load them."""
        ...

    def state(self) -> dict[str, object]:
        """Return all that a resume needs, as plain tensors and numbers."""
        ...

    def resume_training(self, resume_state: State) -> None:
        """Take over a state."""
        ...


class Stateful(Protocol):
    """Something beside the model that a resume needs: a guard, a table of the best."""

    def state_dict(self) -> dict[str, object]:
        """Return plain numbers, strings, and lists and dicts of them."""
        ...

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Take over what `state_dict` returned."""
        ...


class CheckpointStore:
    """Writes and reads the checkpoints of one run.

    Args:
        run_folder: where they are.
        extras: what is saved beside the model, by name.
    """

    def __init__(self, run_folder: RunFolder, *, extras: Mapping[str, Stateful] | None = None) -> None:
        self._run_folder = run_folder
        self._extras = dict(extras or {})

    def save(self, model: Trained, step: int) -> None:
        """Write weights, state and extras of `step`.

        Raises:
            CheckpointError: weights that are not finite, or a disk that does not take them; older files stay.
        """
        self._save_weights(model, step)
        save_state(self._run_folder.state(step), model.state())
        self.save_extras(step)

    def save_extras(self, step: int) -> None:
        """Write what has changed beside the model since `save`, such as the scores of `step`."""
        if self._run_folder.state(step).exists():
            extras = {name: extra.state_dict() for name, extra in self._extras.items()}
            write_text(self._extras_file(step), json.dumps(extras))

    def save_latest(self, model: Trained) -> None:
        """Write the weights of the end of a run, `net_g_latest.pth`.

        Raises:
            CheckpointError: as `save`.
        """
        self._save_weights(model, None)

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint, or None."""
        path = self._run_folder.newest_state()
        return int(path.stem) if path else None

    def load(self, step: int) -> dict[str, object]:
        """Return the state of the model at `step`.

        Raises:
            CheckpointError: it cannot be used.
        """
        return load_state(self._run_folder.state(step))

    def restore_extras(self, step: int) -> None:
        """Give what was saved beside the model at `step` to those that it is of."""
        saved = json.loads(self._extras_file(step).read_text(encoding="utf-8"))
        for name, extra in self._extras.items():
            if name in saved:
                extra.load_state_dict(saved[name])

    def discard_after(self, step: int) -> None:
        """Remove every checkpoint that is newer than `step`."""
        for path in self._run_folder.states.glob("*.state"):
            if path.stem.isdigit() and int(path.stem) > step:
                path.unlink()

    def _extras_file(self, step: int) -> Path:
        return self._run_folder.states / f"{step}.extras.json"

    def _save_weights(self, model: Trained, step: int | None) -> None:
        for network, weights in model.weights().items():
            save_weights(self._run_folder.weights(network, step), **weights)
