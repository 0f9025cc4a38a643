"""What torchrun tells a process about itself, read here and nowhere else (no torch: `--help` need not wait)."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from realesrgan_arch.errors import UserError

_NEEDED_BY_MANY = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


class RanksError(UserError):
    """Processes that cannot train together."""


@dataclass(frozen=True)
class Place:
    """Which of how many processes this one is: of all, and of those on this machine."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    meeting: int = 0
    """Which of the meetings of these processes is next; each has a number of its own, the same on all of them."""

    @property
    def speaks(self) -> bool:
        """Say whether this process writes the console's lines for all: the first one does."""
        return self.rank == 0

    @contextmanager
    def said_once(self) -> Iterator[None]:
        """Let only the first process of each machine say a mistake that all of them find, as in a file they share."""
        try:
            yield
        except UserError as error:
            if self.local_rank == 0:
                raise
            raise SystemExit(error.exit_code) from error


def read_place(environment: Mapping[str, str] = os.environ) -> Place:
    """Return the place of this process; alone where `WORLD_SIZE` is absent or 1.

    The names are torchrun's (pytorch.org/docs/stable/elastic/run.html, "Environment Variables").

    Raises:
        RanksError: numbers that are absent or impossible.
    """
    if environment.get("WORLD_SIZE", "1") == "1":
        return Place()
    missing = [name for name in _NEEDED_BY_MANY if name not in environment]
    if missing:
        raise RanksError(
            f"WORLD_SIZE is {environment['WORLD_SIZE']} but {', '.join(missing)} not set: start several processes with "
            "`torchrun --nproc_per_node N realesrgan_arch/train.py -opt ...`, or unset WORLD_SIZE"
        )
    try:
        rank, world_size, local_rank = (int(environment[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        local_world_size = int(environment.get("LOCAL_WORLD_SIZE", "1"))
    except ValueError as error:
        raise RanksError(
            f"expected numbers in RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE, got {error}"
        ) from error
    if not 0 <= rank < world_size or local_rank < 0:
        raise RanksError(f"expected a RANK from 0 to {world_size - 1}, got {rank} (LOCAL_RANK {local_rank})")
    return Place(rank, world_size, local_rank, max(1, local_world_size))
