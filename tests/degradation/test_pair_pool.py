"""The pool loses nothing, mixes batches and can be saved."""

import numpy as np
import pytest
import torch

from realesrgan_arch.degradation import pair_pool
from realesrgan_arch.degradation.pair_pool import PairPool, PoolTrace, exchange_generator


def pairs(first, count):
    """Return LQ and GT whose gray level tells which pair they are."""
    level = torch.arange(first, first + count).view(-1, 1, 1, 1) / 255
    return level.expand(-1, 3, 2, 2).clone(), level.expand(-1, 3, 4, 4).clone()


def levels(images):
    return (images[:, 0, 0, 0] * 255).round().int().tolist()


def fill(pool, generator, *, batch=4):
    for first in range(0, pool.capacity, batch):
        pool.exchange(*pairs(first, batch), generator=generator)


def test_it_returns_its_input_until_it_is_full():
    pool, generator = PairPool(8), np.random.default_rng(0)
    for first in (0, 4):
        lq, gt = pairs(first, 4)
        got_lq, got_gt = pool.exchange(lq, gt, generator=generator)
        assert torch.equal(got_lq, lq) and torch.equal(got_gt, gt)
    assert len(pool) == 8


def test_a_full_pool_neither_loses_nor_doubles_a_pair_and_keeps_pairs_together():
    pool, generator = PairPool(12), np.random.default_rng(1)
    fill(pool, generator)
    inside = set(range(12))
    for first in range(12, 252, 4):
        lq, gt = pool.exchange(*pairs(first, 4), generator=generator)
        assert levels(lq) == levels(gt)
        assert len(set(levels(lq))) == 4 and set(levels(lq)) <= inside
        inside = inside - set(levels(lq)) | set(range(first, first + 4))
    assert set(levels(pool.state_dict()["lq"].float() / 255)) == inside


def test_every_pair_is_equally_likely_to_come_out_first():
    generator = np.random.default_rng(2)
    counts = np.zeros(8)
    for _ in range(800):
        pool = PairPool(8)
        fill(pool, generator)
        lq, _ = pool.exchange(*pairs(100, 4), generator=generator)
        counts[levels(lq)[0]] += 1
    assert np.all(np.abs(counts - 100) < 4 * np.sqrt(800 / 8 * 7 / 8))


def test_all_8_bit_levels_come_back_to_the_bit():
    pool, generator = PairPool(1), np.random.default_rng(0)
    every_level = (torch.arange(256) / 255).view(1, 1, 16, 16)
    # A device that multiplies by 1/255 instead of dividing may be one step of float32 below the level.
    pool.exchange(every_level, torch.nextafter(every_level, torch.zeros(())), generator=generator)
    lq, gt = pool.exchange(every_level * 0, every_level * 0, generator=generator)
    assert torch.equal(lq, every_level) and torch.equal(gt, every_level)


def test_a_restored_pool_goes_on_as_if_never_stopped(tmp_path):
    pool, generator = PairPool(8), np.random.default_rng(3)
    fill(pool, generator)
    torch.save(pool.state_dict(), tmp_path / "pool.pt")
    restored = PairPool(8)
    restored.load_state_dict(torch.load(tmp_path / "pool.pt", weights_only=True))
    for first in (20, 24, 28):
        expected = pool.exchange(*pairs(first, 4), generator=np.random.default_rng(first))
        got = restored.exchange(*pairs(first, 4), generator=np.random.default_rng(first))
        assert levels(got[0]) == levels(expected[0]) and torch.equal(got[1], expected[1])


def test_a_half_full_or_empty_pool_is_restored_too():
    for count in (0, 1):
        pool, generator = PairPool(8), np.random.default_rng(3)
        for first in range(0, 4 * count, 4):
            pool.exchange(*pairs(first, 4), generator=generator)
        restored = PairPool(8)
        restored.load_state_dict(pool.state_dict())
        assert len(restored) == 4 * count
        fill(restored, generator)
        assert len(restored) == 8


def test_a_saved_pool_is_not_changed_by_going_on():
    pool, generator = PairPool(4), np.random.default_rng(0)
    fill(pool, generator)
    state = pool.state_dict()
    pool.exchange(*pairs(200, 4), generator=generator)
    assert levels(state["lq"].float() / 255) == [0, 1, 2, 3]


def test_wrong_sizes_are_told_with_both_numbers():
    with pytest.raises(ValueError, match="multiple of the batch, but 10 is none of 4"):
        PairPool(10).exchange(*pairs(0, 4), generator=np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 1, but 0 came"):
        PairPool(0)
    with pytest.raises(ValueError, match="holds 8 pairs but this one 12"):
        PairPool(12).load_state_dict(PairPool(8).state_dict())


@pytest.mark.parametrize("rank", [0, 1])
def test_a_trace_follows_the_pool_of_each_rank(rank) -> None:
    pool, trace = PairPool(8), PoolTrace(8, batch_size=2, seed=5, rank=rank)
    for step in range(1, 21):
        marks = torch.tensor([step, 100 + step]).div(255).reshape(2, 1, 1, 1)
        dealt, _ = pool.exchange(marks, marks, generator=exchange_generator(5, step=step, rank=rank))
        expected = [(int(mark) % 100, int(mark) // 100) for mark in dealt.flatten().mul(255).round()]
        assert trace.at(step) == expected
    assert trace.at(6) == PoolTrace(8, batch_size=2, seed=5, rank=rank).at(6)


def test_a_trace_walks_through_the_steps_once(monkeypatch) -> None:
    drawn, draw = [], pair_pool.draw_slots
    monkeypatch.setattr(pair_pool, "draw_slots", lambda *args, **told: drawn.append(1) or draw(*args, **told))
    trace = PoolTrace(8, batch_size=2, seed=0)
    for step in (98, 99, 100):
        trace.at(step)
    assert len(drawn) == 96
