"""Make the pairs of a step on a second CUDA stream, beside the networks' work on the step before.

The host runs ahead of a GPU: while the device still works on step `s`, the host asks for the pairs of step `s + 1`. On
a stream of their own they need not queue behind that work. Nothing is made earlier in the order of the program, so the
pool's state after step `s` is that of step `s`, and resuming is exact. On a CPU there is nothing to run ahead of.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]


class WorkBeside(Protocol):
    """Runs the making of pairs in its own place."""

    def run(self, make: Callable[[], Pair], *, inputs: Iterable[object]) -> Pair:
        """Return what `make` makes of `inputs` (among them tensors), safe to use on the current stream."""
        ...


class InLine:
    """Runs it where everything runs."""

    def run(self, make: Callable[[], Pair], *, inputs: Iterable[object]) -> Pair:
        """Return what `make` returns."""
        del inputs
        return make()


class SideStream:
    """Runs it on one stream of its own; what `make` keeps (the pool) must be touched there only, or after `run`.

    Args:
        streams: `torch.cuda`, or what takes its place in a test.
        device: of the stream.
    """

    def __init__(self, streams: Any, device: torch.device) -> None:
        self._streams = streams
        self._device = device
        self._side = streams.Stream(device)

    def run(self, make: Callable[[], Pair], *, inputs: Iterable[object]) -> Pair:
        """Return what `make` returns; the current stream waits for it, the host does not."""
        current = self._streams.current_stream(self._device)
        there = [tensor for tensor in inputs if isinstance(tensor, Tensor) and tensor.is_cuda]
        if there:
            # Something else has put them on the device (BasicSR's CUDAPrefetcher), maybe in work that still runs.
            self._side.wait_stream(current)
        with self._streams.stream(self._side):
            pair = make()
        for tensor in there:
            tensor.record_stream(self._side)
        current.wait_stream(self._side)
        for tensor in pair:
            # Its memory must not be given to the side stream again while the current one still reads it.
            tensor.record_stream(current)
        return pair


def work_beside(device: torch.device) -> WorkBeside:
    """Return a side stream on CUDA; elsewhere the work stays in line."""
    return SideStream(torch.cuda, device) if device.type == "cuda" else InLine()
