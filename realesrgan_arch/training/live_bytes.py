"""How many bytes of tensors live at each moment of a computation, counted where PyTorch runs its operators.

A storage counts from the operator that made it until its last owner lets go, as in an allocator without rounding.
What an operator takes and gives back inside itself (a library's workspace) is not seen.
"""

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class LiveBytes(TorchDispatchMode):
    """Record the bytes that live after each operator inside the `with` block.

    Args:
        known: tensors that are there already and do not count, nor do views of them.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.live = 0
        self.timeline: list[int] = []
        self.made: list[int] = []
        """Bytes of the new tensors of each operator."""
        self._seen: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()
        self._known = [tensor.untyped_storage() for tensor in known]
        self._seen.update(self._known)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator and count what is new in its results."""
        del types
        results = func(*args, **(kwargs or {}))
        before = self.live
        for result in results if isinstance(results, tuple | list) else (results,):
            if isinstance(result, Tensor):
                self._count(result.untyped_storage())
        self.timeline.append(self.live)
        self.made.append(self.live - before)
        return results

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.live += size
        weakref.finalize(storage, self._release, size)

    def _release(self, size: int) -> None:
        self.live -= size
