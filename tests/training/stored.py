"""Checkpoints of a few numbers, and what a run's folder holds."""

import torch

from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.run_folder import RunFolder


class StepNumber:
    """Weights and a state that tell their step; `values` makes them larger."""

    def __init__(self, step: int, *, values: int = 8) -> None:
        self._content = torch.full((values,), float(step))

    def weights(self):
        return {"net_g": {"params": {"w": self._content}}, "net_d": {"params": {"w": self._content}}}

    def state(self):
        return {"iter": int(self._content[0]), "w": self._content}

    def resume_training(self, resume_state) -> None:
        raise NotImplementedError


class NotFinite(StepNumber):
    def weights(self):
        return {"net_g": {"params": {"w": torch.tensor([1.0, float("nan")])}}}


class Note:
    def __init__(self) -> None:
        self.value: dict[str, object] = {}

    def state_dict(self):
        return self.value

    def load_state_dict(self, state) -> None:
        self.value = state


def save_steps(folder: RunFolder, *steps: int, **rules) -> CheckpointStore:
    store = CheckpointStore(folder, **rules)
    for step in steps:
        store.save(StepNumber(step), step)
    return store


def saved_steps(folder: RunFolder) -> list[int]:
    return sorted(int(path.stem) for path in folder.states.glob("*.state"))


def all_files(folder: RunFolder) -> set[str]:
    return {path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*") if path.is_file()}
