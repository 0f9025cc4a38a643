"""How the processes that torchrun has started find one another, and part."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from realesrgan_arch.torchrun import Place, RanksError
from realesrgan_arch.training.ranks import RankLostError, Ranks, first_line


@contextmanager
def open_ranks(place: Place, *, wants_cpu: bool, backend: str, timeout_minutes: float) -> Iterator[Ranks]:
    """Meet the other processes that torchrun has started, and part from them at the end.

    Args:
        place: of this process.
        wants_cpu: train on the CPU even where there is CUDA.
        backend: for gradients on CUDA, nccl or gloo; on the CPU it is gloo in any case.
        timeout_minutes: a rank that says nothing for so long is given up. One that dies is noticed at once by gloo.

    Raises:
        RanksError: too few GPUs, or the others cannot be found.
    """
    if place.world_size == 1:
        yield Ranks.single()
        return
    device = _device_of(place, wants_cpu=wants_cpu)
    timeout = timedelta(minutes=timeout_minutes)
    used = backend if device.type == "cuda" else "gloo"
    try:
        store = _store_of(place, timeout)
        dist.init_process_group(used, store=store, timeout=timeout, rank=place.rank, world_size=place.world_size)
        group = dist.new_group(backend="gloo", timeout=timeout)
    except (RuntimeError, ValueError) as error:
        raise RanksError(
            f"rank {place.rank} cannot meet the other {place.world_size - 1} ({first_line(error)}); check that all "
            "are started with the same --rdzv-endpoint and that its port can be reached"
        ) from error
    try:
        here = place.local_rank, place.local_world_size
        yield Ranks(place.rank, place.world_size, *here, device, group)  # pyright: ignore[reportArgumentType]
    except RankLostError:
        raise  # nccl would wait for the lost one; the end of this process closes what is open
    except BaseException:
        dist.destroy_process_group()  # the others need not wait for the timeout
        raise
    dist.destroy_process_group()


def _store_of(place: Place, timeout: timedelta) -> dist.PrefixStore:  # pyright: ignore[reportPrivateImportUsage]
    """Return where the ranks of this meeting leave their addresses.

    torchrun's store outlives a meeting. Without a prefix of its own the next one would find the addresses of the last
    one there, and a rank that is early would wait at a closed door until the timeout.
    """
    where = {"rank": place.rank, "world_size": place.world_size, "timeout": timeout}
    store, _, _ = next(rendezvous("env://", **where))
    store.set_timeout(timeout)
    return dist.PrefixStore(f"meeting {place.meeting}", store)  # pyright: ignore[reportPrivateImportUsage]


def _device_of(place: Place, *, wants_cpu: bool) -> torch.device:
    if wants_cpu or not torch.cuda.is_available():
        return torch.device("cpu")
    count = torch.cuda.device_count()
    if place.local_rank >= count:
        raise RanksError(
            f"expected a GPU for each process of this machine, got process {place.local_rank + 1} and {count} GPUs; "
            f"start torchrun with --nproc_per_node {count}"
        )
    device = torch.device("cuda", place.local_rank)
    torch.cuda.set_device(device)  # what is simply called cuda is this one from now on
    return device
