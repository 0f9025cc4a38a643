"""A pool of past pairs that mixes batches: samples of one batch share their resize factors, those of the pool do not.

From Real-ESRGAN (Wang et al., arXiv 2107.10833, section 4.1 "training pair pool").
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from realesrgan_arch.seeding import Stream, numpy_generator


class PairPool:
    """Hold up to `capacity` (LQ, GT) pairs as 8-bit pictures, on the device of the first pairs that come in."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"A pair pool needs a capacity of at least 1, but {capacity} came; leave the pool out.")
        self.capacity = capacity
        self._count = 0
        self._lq = self._gt = torch.empty(0, dtype=torch.uint8)

    def __len__(self) -> int:
        return self._count

    def exchange(self, lq: Tensor, gt: Tensor, *, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Put a batch in and return a batch of the same shape: the same one until the pool is full, then a random one.

        `lq` (B, C, h, w) and `gt` (B, C, H, W) are float pictures on the grid of 1/255, so 8 bits lose nothing.
        Raises ValueError where the capacity is no multiple of B.
        """
        batch = lq.shape[0]
        if self.capacity % batch:
            raise ValueError(
                f"The pool's capacity must be a multiple of the batch, but {self.capacity} is none of {batch}; "
                "change queue_size or batch_size_per_gpu."
            )
        if self._count < self.capacity:
            self._fill(lq, gt)
            return lq, gt
        self._lq, self._gt = self._lq.to(lq.device), self._gt.to(gt.device)
        slots = torch.from_numpy(draw_slots(generator, capacity=self.capacity, batch_size=batch))
        return _swap(self._lq, slots, lq), _swap(self._gt, slots, gt)

    def state_dict(self) -> dict[str, Any]:
        """Return the pairs as plain CPU tensors (n, C, H, W; uint8) and the capacity."""
        return {"capacity": self.capacity, "lq": self._filled(self._lq), "gt": self._filled(self._gt)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned. Raises ValueError where it is that of a pool with another capacity."""
        if state["capacity"] != self.capacity:
            raise ValueError(
                f"The saved pool holds {state['capacity']} pairs but this one {self.capacity}; set queue_size to "
                f"{state['capacity']} to resume."
            )
        self._count = len(state["lq"])
        self._lq, self._gt = self._reserve(state["lq"]), self._reserve(state["gt"])
        self._lq[: self._count], self._gt[: self._count] = state["lq"], state["gt"]

    def _fill(self, lq: Tensor, gt: Tensor) -> None:
        if self._count == 0:
            self._lq, self._gt = self._reserve(lq), self._reserve(gt)
        # A pool that was saved half full by a run with other batches may not have room for all.
        end = min(self._count + lq.shape[0], self.capacity)
        self._lq[self._count : end] = _to_8bit(lq[: end - self._count])
        self._gt[self._count : end] = _to_8bit(gt[: end - self._count])
        self._count = end

    def _reserve(self, like: Tensor) -> Tensor:
        return torch.empty(self.capacity, *like.shape[1:], dtype=torch.uint8, device=like.device)

    def _filled(self, stored: Tensor) -> Tensor:
        return stored[: self._count].cpu().clone()


def draw_slots(generator: np.random.Generator, *, capacity: int, batch_size: int) -> np.ndarray:
    """Return the places (int64) of a full pool whose pairs are dealt out for a batch.

    Upstream shuffles the whole pool and swaps its first pairs. Where the others lie after that has no effect, since the
    next shuffle forgets it; what counts is a uniform choice of different pairs in random order.
    """
    return generator.choice(capacity, size=batch_size, replace=False)


class PoolTrace:
    """Follow the pairs through the pool of a rank by the numbers alone, step by step from the first one.

    It holds for a run which has had this pool, batch and seed since its first step, resumed or not. Steps that are
    asked for in their order are walked through once.
    """

    def __init__(self, capacity: int, *, batch_size: int, seed: int, rank: int = 0) -> None:
        self._capacity = capacity
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._forget()

    def at(self, step: int) -> list[tuple[int, int]]:
        """Return (step, place in its batch) of each pair that `step` trains on."""
        if step < self._now:
            self._forget()
        while self._now < step:
            self._now += 1
            self._dealt = self._exchange([(self._now, place) for place in range(self._batch_size)])
        return list(self._dealt)

    def _forget(self) -> None:
        self._now = 0
        self._held: list[tuple[int, int]] = []
        self._dealt: list[tuple[int, int]] = []

    def _exchange(self, batch: list[tuple[int, int]]) -> list[tuple[int, int]]:
        if len(self._held) < self._capacity:
            self._held += batch
            return batch
        generator = exchange_generator(self._seed, step=self._now, rank=self._rank)
        slots = draw_slots(generator, capacity=self._capacity, batch_size=self._batch_size).tolist()
        dealt = [self._held[slot] for slot in slots]
        for slot, pair in zip(slots, batch, strict=True):
            self._held[slot] = pair
        return dealt


def exchange_generator(seed: int, *, step: int, rank: int) -> np.random.Generator:
    """Return what the pool of `rank` draws from in `step`; each rank has a pool of its own."""
    return numpy_generator(seed, Stream.PAIR_POOL, *((step, rank) if rank else (step,)))


def _swap(stored: Tensor, slots: Tensor, images: Tensor) -> Tensor:
    slots = slots.to(stored.device, non_blocking=True)
    taken = stored[slots].to(images.dtype) / 255
    stored[slots] = _to_8bit(images)
    return taken


def _to_8bit(images: Tensor) -> Tensor:
    return images.mul(255).round_().to(torch.uint8)
