"""Several processes train one model: each takes its slice of every batch, and all of them make the same step.

Why gradients are averaged here by hand and not by `DistributedDataParallel`:

* A step has several backward passes for each network (parts of an accumulated batch, real and fake); DDP reduces in
  each of them unless every place is wrapped in `no_sync`. Here each network is reduced once, before its step.
* Freezing and the game toggle `requires_grad` between the halves of a step; DDP fixes what trains when it is built.
* The generator's loss runs through the discriminator, whose gradients must then not be reduced.
* The names in checkpoints stay as they are (DDP puts `module.` before them).

What it costs: DDP hides a part of the transfer behind the backward pass. RRDBNet has 67 MB of gradients; NVLink or a
network of 100 Gbit/s moves them in 1 to 15 ms, against steps of hundreds. One vector for a network needs as much memory
as its gradients once more.

Sums come out the same to the bit on each rank (each chunk is added up in one place and sent round), so weights that
start equal stay equal; every checkpoint checks that they have. A value that is not finite on one rank is not finite on
any after the sum. Losses are each rank's own: whether a step counts is voted on (`all_agree`), once a step.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from realesrgan_arch.errors import EXIT_INTERNAL, UserError
from realesrgan_arch.torchrun import RanksError

T = TypeVar("T")
R = TypeVar("R")


class RankLostError(RanksError):
    """Another rank has ended, or does not answer."""

    exit_code = EXIT_INTERNAL


@dataclass(frozen=True)
class _Failure:
    """A mistake of the first rank, on its way to the others, which end with the same code and leave the words to it."""

    exit_code: int


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together, and how they speak.

    Words, flags and scores go over the CPU (gloo), so that no step waits for the device; gradients go where they are.
    With one process every method returns what it was given and `torch.distributed` is not touched.

    Every method with more than one process is a meeting: all ranks must call it, in the same order.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    """Those on this machine, which share its memory."""
    device: torch.device | None = None
    """Where gradients are; `None` for a process alone, whose options say it."""
    group: dist.ProcessGroup | None = None
    """For what is on the CPU."""

    @classmethod
    def single(cls) -> "Ranks":
        """Return a process alone."""
        return cls()

    @property
    def is_first(self) -> bool:
        """Say whether this is the rank that writes files and the console."""
        return self.rank == 0

    @property
    def are_many(self) -> bool:
        """Say whether there is anyone to speak to."""
        return self.world_size > 1

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients of one network by their mean over the ranks; those without a gradient keep none.

        Call it once, after the last backward pass of the network and before its optimiser step (before a scaler's
        too: scaled gradients are averaged as well as others, and the scalers of all ranks then see the same).
        """
        if not self.are_many:
            return
        _average_in_place([p.grad for p in parameters if p.grad is not None], self.world_size)

    def share_buffers(self, network: nn.Module) -> None:
        """Give every rank the first rank's floating buffers (spectral norm's vectors, running means), as DDP does.

        They are functions of the weights, or of the rank's own samples; unlike GPUs may disagree in the last bit.
        """
        buffers = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        if not self.are_many or not buffers:
            return
        flat = _flatten(buffers)
        with _meeting():
            dist.broadcast(flat, src=0)
        _write_back(flat, buffers)

    def all_agree(self, flag: Tensor) -> Tensor:
        """Return whether the boolean scalar is true on every rank, on its device and without waiting for it."""
        if not self.are_many:
            return flag
        lowest = flag.to(torch.uint8)
        with _meeting():
            dist.all_reduce(lowest, op=dist.ReduceOp.MIN)
        return lowest.bool()

    def highest(self, number: int) -> int:
        """Return the highest of the ranks' numbers."""
        if not self.are_many:
            return number
        value = torch.tensor(number)
        with _meeting():
            dist.all_reduce(value, op=dist.ReduceOp.MAX, group=self.group)
        return int(value)

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the mean of each named value over the ranks, which all have the same names."""
        if not self.are_many:
            return dict(values)
        numbers = torch.tensor(list(values.values()), dtype=torch.float64)
        with _meeting():
            dist.all_reduce(numbers, group=self.group)
        return dict(zip(values, (numbers / self.world_size).tolist(), strict=True))

    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order, on every rank."""
        if not self.are_many:
            return [value]
        everyone: list = [None] * self.world_size
        with _meeting():
            dist.all_gather_object(everyone, value, group=self.group)
        return everyone

    def gather_on_first(self, value: T) -> list[T]:
        """Return the values of all ranks on the first one, an empty list on the others."""
        if not self.are_many:
            return [value]
        everyone: list | None = [None] * self.world_size if self.is_first else None
        with _meeting():
            dist.gather_object(value, everyone, dst=0, group=self.group)
        return everyone or []

    def scatter(self, values: Sequence[T]) -> T:
        """Return the value for this rank out of the first rank's `values`, one a rank; others may give none."""
        if not self.are_many:
            return values[0]
        mine: list = [None]
        with _meeting():
            dist.scatter_object_list(mine, list(values) if self.is_first else None, src=0, group=self.group)
        return mine[0]

    def from_first(self, value: T) -> T:
        """Return the first rank's value."""
        if not self.are_many:
            return value
        said: list = [value if self.is_first else None]
        with _meeting():
            dist.broadcast_object_list(said, src=0, group=self.group)
        return said[0]

    def on_first(self, action: Callable[[], T]) -> T:
        """Let the first rank act, and return its result on all.

        Raises:
            UserError: whatever `action` finds wrong, on the first rank; the others leave with its exit code, silent.
        """
        if not self.are_many:
            return action()
        if not self.is_first:
            outcome = self.from_first(None)
            if isinstance(outcome, _Failure):
                raise SystemExit(outcome.exit_code)
            return outcome  # pyright: ignore[reportReturnType]
        try:
            result = action()
        except UserError as error:
            self.from_first(_Failure(error.exit_code))
            raise
        return self.from_first(result)

    def machine_by_machine(self, action: Callable[[], T]) -> T:
        """Let the first rank of each machine act before its others, so that it alone downloads what they all need."""
        result = action() if self.local_rank == 0 else None
        self.highest(0)
        return result if result is not None else action()

    def share_out(self, items: Sequence[T], work: Callable[[int, T], R]) -> Iterator[R]:
        """Yield `work(index, item)` for every item in order; each rank works on its share and all get all results.

        The results travel after each round of one item a rank, so that no more of them are in memory.
        """
        for start in range(0, len(items), self.world_size):
            mine = start + self.rank
            result = work(mine, items[mine]) if mine < len(items) else None
            everyone = self.gather(result)
            yield from everyone[: len(items) - start]  # pyright: ignore[reportReturnType]

    def check_same(self, facts: Mapping[str, str], *, remedy: str) -> None:
        """Check that named digests are the same on every rank; `remedy` ends the sentence that says they are not.

        Raises:
            RanksError: they are not; on the first rank, and the others leave silently.
        """
        if not self.are_many:
            return
        everyone = self.gather(dict(facts))
        self.on_first(lambda: _check_equal(everyone, remedy))


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return a short sum over names and bits of `tensors`, added up where they are.

    It is for telling equal from unequal, not for proving whole files: two swapped values in one tensor go unseen.
    """
    total = 0
    for number, (name, tensor) in enumerate(sorted(tensors.items()), start=1):
        bits = tensor.detach().float().contiguous().view(torch.int32)
        total += number * int(bits.sum(dtype=torch.int64)) + len(name)
    return f"{total % 2**64:016x}"


@contextmanager
def _meeting() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:  # gloo and nccl have no class of their own for a peer that is gone
        raise RankLostError(
            f"another rank has ended or does not answer ({first_line(error)}); if it is not said above why, it was "
            "killed. What was saved is whole: go on with --resume auto"
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of what torch says, which is followed by its stack."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _average_in_place(gradients: list[Tensor], world_size: int) -> None:
    if not gradients:
        return
    flat = _flatten(gradients)
    with _meeting():
        dist.all_reduce(flat)
    _write_back(flat.div_(world_size), gradients)


def _flatten(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def _write_back(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    parts = flat.split([tensor.numel() for tensor in tensors])
    with torch.no_grad():
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))


def _check_equal(everyone: Sequence[Mapping[str, str]], remedy: str) -> None:
    for rank, facts in enumerate(everyone):
        other = [name for name, value in facts.items() if value != everyone[0][name]]
        if other:
            raise RanksError(f"rank {rank} has other {' and '.join(other)} than rank 0; {remedy}")
